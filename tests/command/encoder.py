# SPDX-License-Identifier: GPL-3.0-or-later
"""A transformer encoder over token ids, written the way two families of converters write it, with faults on request.

plain:  layer normalisation and GELU written out, one matrix a projection, keys transposed at once, scores divided.
fused:  LayerNormalization nodes, one dense layer for query, key and value over rows, keys transposed twice, queries
        scaled, GELU in another order of factors.
optimised: what ONNX Runtime's optimiser makes of `plain`: operators of its own domain, LayerNormalization though the
        opset has none.
All compute the same. Faults (of the fused writing): 'weights' (layer 2's first dense layer through int8), 'epsilon'
(layer 3), 'scale' (layer 1's queries, by the width of the model), 'axis' (layer 4's softmax), 'extra' (a Relu too many after layer 5's
attention), 'gelu' (tanh form in layer 0), 'missing' (layer 2 without the first residual).
"""
import math
import random
import struct

from onnx import TensorProto, helper

LAYERS, WIDTH, HEADS, HIDDEN, TOKENS, WORDS, CLASSES = 6, 24, 3, 48, 10, 40, 7
EPSILON = 1e-5


class Weights:
    """The same numbers whatever the style and the fault."""

    def __init__(self, seed):
        rng = random.Random(seed)

        def matrix(rows, columns, scale=None):
            scale = scale or 1 / math.sqrt(rows)
            return [[f32(rng.gauss(0, scale)) for _ in range(columns)] for _ in range(rows)]

        def vector(n, mean=0.0):
            return [f32(rng.gauss(mean, 0.1)) for _ in range(n)]

        self.words, self.places = matrix(WORDS, WIDTH, 1), matrix(TOKENS, WIDTH, 0.3)
        self.layers = []
        for _ in range(LAYERS):
            layer = {"norm1": (vector(WIDTH, 1), vector(WIDTH)), "norm2": (vector(WIDTH, 1), vector(WIDTH))}
            for name in ("query", "key", "value", "out"):
                layer[name] = (matrix(WIDTH, WIDTH, 1.5 / math.sqrt(WIDTH)), vector(WIDTH))
            layer["in"] = (matrix(WIDTH, HIDDEN), vector(HIDDEN))
            layer["down"] = (matrix(HIDDEN, WIDTH), vector(WIDTH))
            self.layers.append(layer)
        self.head = (matrix(WIDTH, CLASSES), vector(CLASSES))


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def int8(rows):
    step = max(abs(x) for row in rows for x in row) / 127
    return [[f32(round(x / step) * step) for x in row] for row in rows]


class Writer:
    def __init__(self, prefix):
        self.nodes, self.constants, self.count, self.prefix = [], [], 0, prefix

    def node(self, op, inputs, n_outputs=1, name=None, **attributes):
        self.count += 1
        name = f"{self.prefix}{name or op}_{self.count}"
        outputs = [f"{name}_{i}" for i in range(n_outputs)]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        return outputs[0] if n_outputs == 1 else outputs

    def constant(self, name, dims, values, kind=TensorProto.FLOAT):
        self.count += 1
        name = f"{self.prefix}{name}_{self.count}"
        self.constants.append(helper.make_tensor(name, kind, dims, values))
        return name

    def real(self, value):
        return self.constant("c", [], [value])

    def ints(self, *values):
        return self.constant("i", [len(values)], values, TensorProto.INT64)

    def matrix(self, name, rows):
        return self.constant(name, [len(rows), len(rows[0])], [x for row in rows for x in row])

    def vector(self, name, values):
        return self.constant(name, [len(values)], values)


class Plain(Writer):
    """As a tracing exporter writes it, opset 13."""
    opset = 13

    def __init__(self, faults):
        super().__init__("/encoder/")
        self.faults = faults

    def norm(self, x, pair, epsilon):
        mean = self.node("ReduceMean", [x], axes=[-1], keepdims=1)
        centred = self.node("Sub", [x, mean])
        square = self.node("Pow", [centred, self.real(2.0)])
        variance = self.node("ReduceMean", [square], axes=[-1], keepdims=1)
        root = self.node("Sqrt", [self.node("Add", [variance, self.real(epsilon)])])
        scaled = self.node("Mul", [self.node("Div", [centred, root]), self.vector("gamma", pair[0])])
        return self.node("Add", [scaled, self.vector("beta", pair[1])])

    def dense(self, x, pair, name):
        return self.node("Add", [self.vector(name + ".bias", pair[1]),
                                 self.node("MatMul", [x, self.matrix(name + ".weight", pair[0])], name=name)])

    def heads(self, x, perm):
        split = self.node("Reshape", [x, self.ints(1, TOKENS, HEADS, WIDTH // HEADS)])
        return self.node("Transpose", [split], perm=perm)

    def attention(self, x, layer, factor, axis):
        q = self.heads(self.dense(x, layer["query"], "query"), [0, 2, 1, 3])
        k = self.heads(self.dense(x, layer["key"], "key"), [0, 2, 3, 1])
        v = self.heads(self.dense(x, layer["value"], "value"), [0, 2, 1, 3])
        scores = self.node("Div", [self.node("MatMul", [q, k]), self.real(1 / factor)])
        mixed = self.node("MatMul", [self.node("Softmax", [scores], axis=axis), v])
        joined = self.node("Reshape", [self.node("Transpose", [mixed], perm=[0, 2, 1, 3]), self.ints(1, TOKENS, WIDTH)])
        return self.dense(joined, layer["out"], "out")

    def gelu(self, x, tanh):
        if tanh:
            inner = self.node("Add", [x, self.node("Mul", [self.node("Pow", [x, self.real(3.0)]), self.real(0.044715)])])
            bend = self.node("Tanh", [self.node("Mul", [inner, self.real(math.sqrt(2 / math.pi))])])
        else:
            bend = self.node("Erf", [self.node("Div", [x, self.real(math.sqrt(2))])])
        return self.node("Mul", [self.node("Mul", [x, self.node("Add", [bend, self.real(1.0)])]), self.real(0.5)])

    def pooled(self, x):
        return self.node("ReduceMean", [x], axes=[1], keepdims=0)


class Fused(Plain):
    """As a graph compiler writes it, opset 17."""
    opset = 17

    def __init__(self, faults):
        Writer.__init__(self, "block.")
        self.faults = faults

    def norm(self, x, pair, epsilon):
        return self.node("LayerNormalization", [x, self.vector("scale", pair[0]), self.vector("shift", pair[1])],
                         axis=-1, epsilon=epsilon)

    def dense(self, x, pair, name):
        rows = [list(row) for row in zip(*pair[0])]
        flat = self.node("Reshape", [x, self.ints(-1, len(pair[0]))])
        y = self.node("Gemm", [flat, self.matrix(name + "/kernel", rows), self.vector(name + "/bias", pair[1])],
                      name=name, transB=1)
        return self.node("Reshape", [y, self.ints(1, TOKENS, len(pair[1]))])

    def attention(self, x, layer, factor, axis):
        parts = [layer[n] for n in ("query", "key", "value")]
        weights = [sum((p[0][i] for p in parts), []) for i in range(WIDTH)]
        joined = self.dense(x, (weights, sum((p[1] for p in parts), [])), "qkv")
        q, k, v = self.node("Split", [joined, self.ints(WIDTH, WIDTH, WIDTH)], 3, axis=2)
        q = self.heads(self.node("Mul", [q, self.real(factor)], name="scale"), [0, 2, 1, 3])
        k = self.node("Transpose", [self.heads(k, [0, 2, 1, 3])], perm=[0, 1, 3, 2])
        scores = self.node("Softmax", [self.node("MatMul", [q, k])], axis=axis)
        mixed = self.node("Transpose", [self.node("MatMul", [scores, self.heads(v, [0, 2, 1, 3])])], perm=[0, 2, 1, 3])
        return self.dense(self.node("Reshape", [mixed, self.ints(1, TOKENS, WIDTH)]), layer["out"], "out")

    def gelu(self, x, tanh):
        if tanh:
            return super().gelu(x, tanh)
        bend = self.node("Erf", [self.node("Mul", [x, self.real(math.sqrt(0.5))])])
        return self.node("Mul", [self.node("Mul", [self.real(0.5), x]), self.node("Add", [self.real(1.0), bend])])


class Optimised(Plain):
    """As ONNX Runtime saves it."""
    norm = Fused.norm

    def contrib(self, op, inputs, **attributes):
        return self.node(op, inputs, domain="com.microsoft", **attributes)

    def dense(self, x, pair, name):
        if name != "in":
            return Fused.dense(self, x, pair, name)
        return self.node("MatMul", [x, self.matrix(name, pair[0])], name=name), self.vector("bias", pair[1])

    def attention(self, x, layer, factor, axis):
        q, k, v = (self.heads(self.dense(x, layer[n], n), [0, 2, 1, 3]) for n in ("query", "key", "value"))
        scores = self.contrib("FusedMatMul", [q, k], transB=1, alpha=factor)
        mixed = self.node("MatMul", [self.node("Softmax", [scores], axis=axis), v])
        joined = self.node("Reshape", [self.node("Transpose", [mixed], perm=[0, 2, 1, 3]), self.ints(1, TOKENS, WIDTH)])
        return self.dense(joined, layer["out"], "out")

    def gelu(self, x, tanh):
        if tanh:
            return super().gelu(self.node("Add", list(x)), tanh)
        return self.contrib("BiasGelu", list(x))


def encoder(style, faults=(), seed=1):
    w, kind = Weights(seed), {"plain": Plain, "fused": Fused, "optimised": Optimised}[style]
    g = kind(faults)
    x = g.node("Add", [g.node("Gather", [g.matrix("words", w.words), "tokens"], axis=0), g.matrix("places", w.places)])
    for i, layer in enumerate(w.layers):
        if i == 2 and "weights" in faults:
            layer = dict(layer, **{"in": (int8(layer["in"][0]), layer["in"][1])})
        epsilon = 0.3 if i == 3 and "epsilon" in faults else EPSILON
        factor = 1 / math.sqrt(WIDTH if i == 1 and "scale" in faults else WIDTH // HEADS)
        axis = 2 if i == 4 and "axis" in faults else -1
        mixed = g.attention(g.norm(x, layer["norm1"], epsilon), layer, factor, axis)
        if i == 5 and "extra" in faults:
            mixed = g.node("Relu", [mixed], name="extra")
        x = mixed if i == 2 and "missing" in faults else g.node("Add", [x, mixed])
        inner = g.gelu(g.dense(g.norm(x, layer["norm2"], EPSILON), layer["in"], "in"), i == 0 and "gelu" in faults)
        x = g.node("Add", [g.dense(inner, layer["down"], "down"), x])
    x = g.pooled(x)
    logits = g.node("Gemm", [x, g.matrix("head", w.head[0]), g.vector("head.bias", w.head[1])], name="head")
    graph = helper.make_graph(g.nodes, style, [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, TOKENS])],
                              [helper.make_tensor_value_info(logits, TensorProto.FLOAT, [1, CLASSES])], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", kind.opset), helper.make_opsetid("com.microsoft", 1)],
                              producer_name=style)
    model.ir_version = 8
    return model
