#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keras files read, run, repaired and written back.   keras.py FETAFIX

Writes small .h5 and .keras files, and compares what `fetafix run` makes of them with the layers written out in numpy.
--write FOLDER only writes the .h5 files, for other interpreters.
"""
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("SKIP: python3-h5py is not there")
    sys.exit(77)

RNG = np.random.RandomState(7)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weights(*shapes):
    return [(RNG.randn(*s) * 0.4).astype("f4") for s in shapes]


def window(x, kernel, stride, same):
    """[N,H,W,C] -> [N,h,w,kh,kw,C]"""
    kh, kw = kernel
    if same:
        pads = []
        for size, k in ((x.shape[1], kh), (x.shape[2], kw)):
            total = max((-(-size // stride) - 1) * stride + k - size, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, ((0, 0), *pads, (0, 0)))
    v = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))[:, ::stride, ::stride]
    return np.moveaxis(v, 3, -1)


def conv(x, k, b, stride, same):
    return np.einsum("nhwijc,ijco->nhwo", window(x, k.shape[:2], stride, same), k) + b


def depthwise(x, k, b, stride, same):
    y = np.einsum("nhwijc,ijcm->nhwcm", window(x, k.shape[:2], stride, same), k)
    return y.reshape(*y.shape[:3], -1) + b


def norm(x, gamma, beta, mean, variance):
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def transposed(x, k, b, stride):
    """VALID; k [kh,kw,out,in]"""
    n, h, w, _ = x.shape
    y = np.zeros((n, (h - 1) * stride + k.shape[0], (w - 1) * stride + k.shape[1], k.shape[2]))
    for i in range(h):
        for j in range(w):
            y[:, i * stride:i * stride + k.shape[0], j * stride:j * stride + k.shape[1]] += np.einsum(
                "nc,ijoc->nijo", x[:, i, j], k)
    return y + b


def lstm(x, k, r, b, backwards=False):
    units = r.shape[0]
    h = c = np.zeros((x.shape[0], units))
    out = []
    for t in range(x.shape[1])[::-1 if backwards else 1]:
        i, f, g, o = np.split(x[:, t] @ k + h @ r + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, 1)


def gru(x, k, r, b):
    h = np.zeros((x.shape[0], r.shape[0]))
    for t in range(x.shape[1]):
        xz, xr, xh = np.split(x[:, t] @ k + b[0], 3, axis=1)
        hz, hr, hh = np.split(h @ r + b[1], 3, axis=1)
        z, s = sigmoid(xz + hz), sigmoid(xr + hr)
        h = z * h + (1 - z) * np.tanh(xh + s * hh)
    return h


def layer(name, cls, w=(), roles=(), **config):
    return {"class": cls, "name": name, "config": {"name": name, **config}, "weights": list(zip(roles, w))}


def cases():
    """name: (input shape, layers, function of the input)"""
    k, b = weights((3, 3, 3, 4), (4,))
    n = [np.abs(w) + 0.2 for w in weights((4,))] + weights((4,), (4,)) + [np.abs(w) + 0.5 for w in weights((4,))]
    d, db = weights((3, 3, 4, 2), (8,))
    e, eb = weights((8, 5), (5,))
    yield "vision", (7, 6, 3), [
        layer("conv", "Conv2D", (k, b), ("kernel", "bias"), filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same",
              activation="relu"),
        layer("bn", "BatchNormalization", n, ("gamma", "beta", "moving_mean", "moving_variance"), axis=[3], epsilon=1e-3),
        layer("dw", "DepthwiseConv2D", (d, db), ("depthwise_kernel", "bias"), kernel_size=[3, 3], padding="same",
              activation="linear"),
        layer("gap", "GlobalAveragePooling2D"),
        layer("drop", "Dropout", rate=0.5),
        layer("fc", "Dense", (e, eb), ("kernel", "bias"), units=5, activation="sigmoid"),
    ], lambda x: sigmoid(depthwise(norm(np.maximum(conv(x, k, b, 2, True), 0), *n), d, db, 1, True).mean((1, 2)) @ e + eb)

    t, tb = weights((3, 3, 4, 3), (4,))
    f, fb = weights((180, 6), (6,))
    yield "up", (1, 2, 3), [
        layer("pad", "ZeroPadding2D", padding=[[0, 0], [1, 0]]),
        layer("up", "Conv2DTranspose", (t, tb), ("kernel", "bias"), filters=4, kernel_size=[3, 3], strides=[3, 3],
              padding="valid"),
        layer("crop", "Cropping2D", cropping=[[0, 0], [2, 2]]),
        layer("twice", "UpSampling2D", size=[1, 3]),
        layer("flat", "Flatten"),
        layer("fc", "Dense", (f, fb), ("kernel", "bias"), units=6, activation="softmax"),
    ], lambda x: softmax(np.repeat(transposed(np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0))), t, tb, 3)[:, :, 2:-2], 3, 2)
                         .reshape(len(x), -1) @ f + fb)

    a = weights((3, 16), (4, 16), (16,))
    g = weights((4, 9), (3, 9), (2, 9))
    yield "recurrent", (5, 3), [
        layer("lstm", "LSTM", a, ("kernel", "recurrent_kernel", "bias"), units=4, return_sequences=True, time_major=False),
        layer("gru", "GRU", g, ("kernel", "recurrent_kernel", "bias"), units=3, reset_after=True),
    ], lambda x: gru(lstm(x, *a), *g)

    p, q = weights((3, 8), (2, 8), (8,)), weights((3, 8), (2, 8), (8,))
    yield "both_ways", (4, 3), [
        layer("bi", "Bidirectional", p + q,
              [f"forward_lstm/{r}" for r in ("kernel", "recurrent_kernel", "bias")] +
              [f"backward_lstm/{r}" for r in ("kernel", "recurrent_kernel", "bias")],
              merge_mode="concat", layer={"class_name": "LSTM", "config": {"name": "lstm", "units": 2,
                                                                           "return_sequences": True}}),
    ], lambda x: np.concatenate([lstm(x, *p), lstm(x, *q, backwards=True)[:, ::-1]], 2)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def config_of(shape, layers, functional):
    head = {"class_name": "InputLayer", "name": "x",
            "config": {"batch_input_shape": [None, *shape], "dtype": "float32", "name": "x"}}
    if not functional:
        return {"class_name": "Sequential", "config": {"name": "s", "layers": [
            {"class_name": l["class"], "config": l["config"]} for l in (
                [{"class": "InputLayer", "config": head["config"]}] + layers)]}}
    nodes, before = [dict(head, inbound_nodes=[])], "x"
    for l in layers:
        nodes.append({"class_name": l["class"], "name": l["name"], "config": l["config"],
                      "inbound_nodes": [[[before, 0, 0, {}]]]})
        before = l["name"]
    return {"class_name": "Functional", "config": {"name": "m", "layers": nodes, "input_layers": [["x", 0, 0]],
                                                   "output_layers": [[before, 0, 0]]}}


def write_h5(path, shape, layers, functional):
    with h5py.File(path, "w") as h:
        h.attrs["keras_version"] = "2.4.0"
        h.attrs["model_config"] = json.dumps(config_of(shape, layers, functional))
        root = h.create_group("model_weights")
        root.attrs["layer_names"] = [l["name"].encode() for l in layers]
        for l in layers:
            group = root.create_group(l["name"])
            names = [f"{l['name']}/{role}:0" for role, _ in l["weights"]]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for name, (_, w) in zip(names, l["weights"]):
                group.create_dataset(name, data=w)


def write_keras(path, shape, layers):
    """Keras 3: weights by class and number."""
    weights_file, seen = io.BytesIO(), {}
    folders = {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d", "BatchNormalization": "batch_normalization",
               "Dense": "dense", "Conv2DTranspose": "conv2d_transpose", "LSTM": "lstm", "GRU": "gru"}
    with h5py.File(weights_file, "w") as h:
        for l in layers:
            folder = folders.get(l["class"])
            if not folder:
                continue
            n = seen[folder] = seen.get(folder, -1) + 1
            where = f"layers/{folder}_{n}" if n else f"layers/{folder}"
            if l["class"] in ("LSTM", "GRU"):
                where += "/cell"
            for i, (_, w) in enumerate(l["weights"]):
                h.create_dataset(f"{where}/vars/{i}", data=w)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("metadata.json", json.dumps({"keras_version": "3.4.1"}))
        z.writestr("config.json", json.dumps(config_of(shape, layers, True)))
        z.writestr("model.weights.h5", weights_file.getvalue())


def fetafix(*args, code=0):
    r = subprocess.run([sys.argv[1], *args, "--no-config"], capture_output=True, text=True)
    if r.returncode != code:
        raise SystemExit(f"fetafix {' '.join(args)}: exit {r.returncode}, not {code}\n{r.stdout}{r.stderr}")
    return r.stdout + r.stderr


def check_runs(folder):
    for name, shape, layers, f in cases():
        x = RNG.randn(4, *shape).astype("f4")
        np.save(f"{folder}/x.npy", x)
        wanted = f(x.astype("f8"))
        files = [(f"{folder}/{name}_s.h5", lambda p: write_h5(p, shape, layers, False)),
                 (f"{folder}/{name}_f.h5", lambda p: write_h5(p, shape, layers, True))]
        if name != "both_ways":
            files.append((f"{folder}/{name}.keras", lambda p: write_keras(p, shape, layers)))
        for path, write in files:
            write(path)
            fetafix("run", path, "--input", f"{folder}/x.npy", "-o", f"{folder}/y.npy", "-f", "-q")
            y = np.load(f"{folder}/y.npy").reshape(wanted.shape)
            error = np.abs(y - wanted).max() / np.abs(wanted).max()
            if not error < 1e-5:
                raise SystemExit(f"{path}: {error} off")


def check_repair(folder):
    """Weights that differ are found, repaired, and written into the .h5; what no layer has is refused in words."""
    name, shape, layers, f = next(cases())
    write_h5(f"{folder}/source.h5", shape, layers, True)
    with h5py.File(f"{folder}/source.h5") as s, h5py.File(f"{folder}/target.h5", "w") as t:
        for key in s:
            s.copy(key, t)
        for key, value in s.attrs.items():
            t.attrs[key] = value
        t.attrs["mine"] = "kept"
        kernel = t["model_weights/conv/conv/kernel:0"]
        kernel[...] = kernel[()] * np.float32([1, 1.5, 1, -1])
    np.save(f"{folder}/x.npy", RNG.randn(20, *shape).astype("f4"))
    args = [f"{folder}/source.h5", f"{folder}/target.h5", "--input", f"{folder}/x.npy", "--comparator",
            "tolerance:abs=1e-4", "-q"]
    fetafix("compare", *args, code=1)
    fetafix("repair", *args, "-o", f"{folder}/repaired.h5", "-f")
    with h5py.File(f"{folder}/source.h5") as s, h5py.File(f"{folder}/repaired.h5") as r:
        at = "model_weights/conv/conv/kernel:0"
        if np.abs(s[at][()] - r[at][()]).max() > 1e-6:
            raise SystemExit("the kernel is not the Source's")
        if r.attrs["mine"] != "kept" or r.attrs["model_config"] != s.attrs["model_config"]:
            raise SystemExit("the rest of the file has changed")


def check_hostile(folder):
    """Cut and damaged files end in words."""
    name, shape, layers, f = next(cases())
    write_h5(f"{folder}/whole.h5", shape, layers, True)
    data = open(f"{folder}/whole.h5", "rb").read()
    for i in range(60):
        bad = bytearray(data[: len(data) if i % 2 else RNG.randint(8, len(data))])
        for _ in range(RNG.randint(1, 12) if i % 2 else 0):
            bad[RNG.randint(8, min(len(bad), 4096 if i % 4 == 1 else len(bad)))] ^= 1 << RNG.randint(8)
        open(f"{folder}/bad.h5", "wb").write(bad)
        r = subprocess.run([sys.argv[1], "inspect", f"{folder}/bad.h5", "--no-config"], capture_output=True, text=True)
        if r.returncode not in (0, 3, 4) or (r.returncode and not r.stderr.strip()):
            raise SystemExit(f"damaged file {i}: exit {r.returncode}\n{r.stderr}")
    layers[0]["class"] = "Mystery"
    write_h5(f"{folder}/mystery.h5", shape, layers, True)
    said = fetafix("inspect", f"{folder}/mystery.h5", code=4)
    if "Mystery" not in said or "'conv'" not in said:
        raise SystemExit(f"it does not name the layer: {said}")


if sys.argv[1] == "--write":
    for n, s, l, _ in cases():
        write_h5(f"{sys.argv[2]}/{n}.h5", s, l, True)
else:
    with tempfile.TemporaryDirectory() as folder:
        check_runs(folder)
        check_repair(folder)
        check_hostile(folder)
    print("ok")
