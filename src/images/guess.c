/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which preprocessing a model was trained for, from what its file shows. It is a guess and says so: the
 * file does not record it. What is looked at, in this order:
 *     the type of the input          whole numbers are pixels
 *     the first operators            arithmetic with constants on the input is its normalisation
 *     the names of nodes and values  networks whose framework prepares them in a way of its own
 *     the producer, then the layout
 */
#include "fetafix/images.h"

#include <string.h>
#include <strings.h>

static bool is_constant(const ff_value *v)
{
    if (!v)
        return false;
    for (int depth = 0; depth < 8 && v->producer; depth++) {
        const ff_node *n = v->producer;
        if (strcmp(n->op, "Constant") == 0)
            return true;
        static const char *const views[] = {"Identity", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Transpose"};
        bool view = false;
        for (size_t i = 0; i < FF_COUNT(views); i++)
            view = view || strcmp(n->op, views[i]) == 0;
        if (!view || n->n_inputs < 1 || !n->inputs[0])
            return false;
        v = n->inputs[0];
    }
    return !v->producer && v->initializer;
}

/* Does the graph subtract, divide or multiply its pixels before anything else? */
static bool normalises_itself(const ff_value *input)
{
    static const char *const arithmetic[] = {"Sub", "Div", "Mul", "Add"};
    static const char *const movement[] = {"Transpose", "Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape"};
    const ff_value *v = input;
    for (int depth = 0; depth < 8 && v->n_users > 0; depth++) {
        const ff_node *n = v->users[0].node;
        if (n->graph != v->graph)
            return false;
        if (strcmp(n->op, "BatchNormalization") == 0)
            return true;
        for (size_t i = 0; i < FF_COUNT(arithmetic); i++)
            if (strcmp(n->op, arithmetic[i]) == 0 && n->n_inputs == 2)
                return is_constant(n->inputs[1 - v->users[0].input]);
        bool moves = false;
        for (size_t i = 0; i < FF_COUNT(movement); i++)
            moves = moves || strcmp(n->op, movement[i]) == 0;
        if (!moves || n->n_outputs < 1 || !n->outputs[0])
            return false;
        v = n->outputs[0];
    }
    return false;
}

/* torchvision's InceptionV3 takes the three channels apart and rescales each: from torch's
 * normalisation to TensorFlow's, inside the graph. */
static bool takes_channels_apart(const ff_value *input)
{
    int n = 0;
    for (int i = 0; i < input->n_users; i++) {
        const char *op = input->users[i].node->op;
        n += strcmp(op, "Gather") == 0 || strcmp(op, "Slice") == 0;
    }
    return n == 3;
}

static bool any_name_holds(const ff_graph *g, const char *part)
{
    for (int i = 0; i < g->n_nodes; i++) {
        if (strcasestr(g->nodes[i]->name, part))
            return true;
        for (int k = 0; k < g->nodes[i]->n_outputs; k++)
            if (g->nodes[i]->outputs[k] && strcasestr(g->nodes[i]->outputs[k]->name, part))
                return true;
    }
    for (int i = 0; i < g->n_initializers; i++)
        if (strcasestr(g->initializers[i]->name, part))
            return true;
    return strcasestr(g->name, part) != NULL;
}

static bool is_nhwc(const ff_shape *s)
{
    return s->rank == 4 && s->dims[1] != 3 && s->dims[1] != 1 && (s->dims[3] == 3 || s->dims[3] == 1);
}

static const char *choose(const ff_model *m, const ff_value *input, const char **why)
{
    const ff_graph *g = ff_model_graph(m);
    const char *producer = ff_model_producer(m);
    ff_dtype type = input->declared.dtype;

    if (type != FF_UNDEFINED && !ff_dtype_is_float(type)) {
        *why = "its input takes whole numbers, so pixels as they are";
        return "raw";
    }
    if (takes_channels_apart(input)) {
        *why = "it takes the channels apart and rescales them, as torchvision's InceptionV3 does to "
               "pictures normalised for torch";
        return "torch";
    }
    if (normalises_itself(input)) {
        *why = "its first operators normalise the input, so pixels as they are";
        return "raw";
    }
    bool nhwc = is_nhwc(&input->declared);
    bool torch = strcasestr(producer, "torch") != NULL && !strcasestr(producer, "onnx2torch");
    if (!torch && (any_name_holds(g, "vgg16") || any_name_holds(g, "vgg19") || any_name_holds(g, "block1_conv1"))) {
        *why = "names of Keras' VGG, which takes BGR minus a mean";
        return "caffe";
    }
    if (!torch && any_name_holds(g, "conv2_block1_0_conv") && !any_name_holds(g, "_preact_")) {
        *why = "names of Keras' ResNet V1, which takes BGR minus a mean";
        return "caffe";
    }
    if (torch && !nhwc) {
        *why = "it comes from PyTorch and takes NCHW";
        return "torch";
    }
    if (strcasestr(producer, "caffe") != NULL) {
        *why = "it comes from Caffe";
        return "caffe";
    }
    if (strcasestr(producer, "tf2onnx") || strcasestr(producer, "keras") || strcasestr(producer, "tensorflow") ||
        any_name_holds(g, "BiasAdd")) {
        *why = "it comes from TensorFlow or Keras, most of whose networks take -1 to 1";
        return "tf";
    }
    if (nhwc) {
        *why = "its layout is NHWC, TensorFlow's, most of whose networks take -1 to 1";
        return "tf";
    }
    if (input->declared.rank == 4 && input->declared.dims[1] == 3) {
        *why = "its layout is NCHW, torch's";
        return "torch";
    }
    *why = "nothing tells; the most common one for NCHW";
    return "torch";
}

void ff_pre_guess(const ff_model *m, ff_pre *out, const char **why)
{
    const ff_graph *g = ff_model_graph(m);
    const char *reason = "it has no input";
    ff_pre p;
    int code = ff_pre_parse("raw", &p);

    if (g->n_inputs > 0) {
        const ff_value *input = g->inputs[0];
        const char *preset = choose(m, input, &reason);
        code = ff_pre_parse(preset, &p);
        const ff_shape *s = &input->declared;
        bool nhwc = is_nhwc(s);
        int64_t height = s->rank == 4 ? s->dims[nhwc ? 1 : 2] : -1;
        int64_t width = s->rank == 4 ? s->dims[nhwc ? 2 : 3] : -1;
        if (height >= 1 && width >= 1 && height <= 4096 && width <= 4096) {
            int h = (int)height, w = (int)width;
            if (p.shorter) { /* 256 for 224, 342 for 299 */
                p.shorter = (int)(((h < w ? h : w) * 256 + 112) / 224);
                p.crop_width = w;
                p.crop_height = h;
            } else {
                p.width = w;
                p.height = h;
            }
        }
    }
    (void)code; /* presets parse; a test goes through all */
    *out = p;
    if (why)
        *why = reason;
}
