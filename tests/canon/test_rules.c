/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every rule: a model where it fires and one where it must not, and in both cases the view computes
 * what the model computes, value by value. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "text_model.h"

#define IMAGE "input x 1,4,8,8; "
#define CONV  "float w 6,4,3,3 random; float b 6 random; "

typedef struct rule_case {
    const char *rule;
    bool fires;
    const char *text;
} rule_case;

static const rule_case cases[] = {
    {"window-defaults", true, IMAGE CONV "y = Conv(x,w,b); output y"},
    {"window-defaults", false,
     IMAGE CONV "y = Conv(x,w,b) kernel_shape=[3,3] strides=[1,1] dilations=[1,1] pads=[0,0,0,0] "
                "group=1; output y"},
    {"auto-pad", true, IMAGE CONV "y = Conv(x,w,b) auto_pad=SAME_UPPER strides=[2,2]; output y"},
    {"auto-pad", true, IMAGE CONV "y = Conv(x,w,b) auto_pad=SAME_LOWER strides=[2,2]; output y"},
    {"auto-pad", true, IMAGE CONV "y = Conv(x,w,b) auto_pad=VALID; output y"},
    {"auto-pad", true, IMAGE "y = MaxPool(x) auto_pad=SAME_UPPER kernel_shape=[3,3] strides=[3,3]; output y"},
    {"auto-pad", true, IMAGE "y = AveragePool(x) auto_pad=SAME_LOWER kernel_shape=[2,2]; output y"},
    {"auto-pad", true,
     IMAGE "float w 4,3,3,3 random; y = ConvTranspose(x,w) auto_pad=SAME_UPPER strides=[2,2]; output y"},
    {"auto-pad", false, IMAGE CONV "y = Conv(x,w,b) auto_pad=NOTSET pads=[1,1,0,0]; output y"},
    {"output-shape", true,
     IMAGE "float w 4,3,3,3 random; y = ConvTranspose(x,w) strides=[2,2] output_shape=[15,15]; output y"},
    {"pool-attributes", true,
     IMAGE "y = AveragePool(x) kernel_shape=[2,2] strides=[2,2] count_include_pad=1; output y"},
    {"pool-attributes", true, IMAGE "y = MaxPool(x) kernel_shape=[2,2] strides=[2,2] ceil_mode=1; output y"},
    {"pool-attributes", false,
     IMAGE "y = AveragePool(x) kernel_shape=[3,3] strides=[2,2] ceil_mode=1 count_include_pad=1 "
           "pads=[1,1,1,1]; output y"},
    {"clip-bounds", true, IMAGE "float a - -0.5; y = Clip(x,a); output y"},
    {"clip-bounds", false, "opset 9; " IMAGE "y = Clip(x) min=-0.5 max=0.5; output y"},
    {"clip-bounds", false, IMAGE "input lo -; y = Clip(x,lo); output y"},
    {"pad-amounts", true, IMAGE "int p 8 0,0,1,0,0,0,2,1; y = Pad(x,p) mode=reflect; output y"},
    {"pad-amounts", false, "opset 10; " IMAGE "y = Pad(x) pads=[0,0,1,0,0,0,2,1] value=1.5; output y"},
    {"pad-amounts", true, "opset 18; " IMAGE "int p 4 1,0,2,1; int a 2 -2,3; y = Pad(x,p,,a); output y"},
    {"reduce-axes", true, IMAGE "y = ReduceMean(x) axes=[-1,1]; output y"},
    {"reduce-axes", true, IMAGE "int a 2 1,3; y = ReduceSum(x,a); output y"},
    {"reduce-axes", false, IMAGE "y = ReduceMean(x) axes=[1,3] keepdims=1; output y"},
    {"reduce-keepdims", true, IMAGE "y = ReduceMax(x) axes=[1] keepdims=0; output y"},
    {"reshape", true, IMAGE "y = Flatten(x) axis=2; output y"},
    {"reshape", true, IMAGE "int s 3 0,-1,4; y = Reshape(x,s); output y"},
    {"reshape", true, "opset 11; input x 1,5,1,1; y = Squeeze(x) axes=[2,3]; output y"},
    {"reshape", true, "input x 2,5; int a 1 1; y = Unsqueeze(x,a); output y"},
    {"softmax-axis", true, "opset 11; " IMAGE "y = Softmax(x); output y"},
    {"softmax-axis", true, IMAGE "y = Softmax(x) axis=1; output y"},
    {"softmax-axis", true, "opset 9; input x 1,7; y = LogSoftmax(x) axis=1; output y"},
    {"negative-axis", true, IMAGE "y = Concat(x,x) axis=-1; output y"},
    {"negative-axis", false, IMAGE "y = Concat(x,x) axis=3; output y"},
    {"transpose-default", true, IMAGE "y = Transpose(x); output y"},
    {"sum-add", true, IMAGE "z = Abs(x); y = Sum(x,z); output y"},

    {"identity", true, IMAGE "z = Identity(x); y = Abs(z); output y"},
    {"dropout", true, IMAGE "z = Dropout(x); y = Abs(z); output y"},
    {"dropout", false, IMAGE "z,m = Dropout(x); y = Abs(z); output y; output m"},
    {"cast-same-type", true, IMAGE "z = Cast(x) to=1; y = Abs(z); output y"},
    {"cast-same-type", false, IMAGE "z = Cast(x) to=11; u = Cast(z) to=1; y = Abs(u); output y"},
    {"zero-pad", true, IMAGE "int p 8 0,0,0,0,0,0,0,0; z = Pad(x,p); y = Abs(z); output y"},
    {"zero-pad", false, IMAGE "int p 8 0,0,0,0,0,0,0,1; z = Pad(x,p); y = Abs(z); output y"},
    {"lone-input", true, IMAGE "z = Concat(x) axis=1; y = Abs(z); output y"},
    {"lone-input", false, IMAGE "z = Concat(x,x) axis=1; y = Abs(z); output y"},
    {"same-shape", true, IMAGE "int s 4 1,4,8,8; z = Reshape(x,s); y = Abs(z); output y"},
    {"neutral-operand", true, IMAGE "float c - 1; z = Mul(c,x); y = Abs(z); output y"},
    {"neutral-operand", true, IMAGE "float c 4,1,1 0; z = Sub(x,c); y = Abs(z); output y"},
    {"neutral-operand", false, IMAGE "float c - 0; z = Sub(c,x); y = Abs(z); output y"},
    {"zero-shift", true,
     "input x 1,5,4; float w 4,3 random; float c 3 0; m = MatMul(x,w); a = Add(m,c); b = Abs(m); y = Mul(a,b); output y"},
    {"zero-shift", false, "input x 1,5,4; float w 4,3 random; float c 3 0; m = MatMul(x,w); y = Add(m,c); output y"},
    {"matmul-bias", true, "input x 1,5,4; float w 4,3 random; float c 3 0; m = MatMul(x,w); y = Add(m,c); output y"},
    {"neutral-operand", false, "input x 1,4; float c 3,4 0; z = Add(x,c); y = Abs(z); output y"},

    {"pad-into-conv", true,
     IMAGE CONV "int p 8 0,0,0,1,0,0,2,1; z = Pad(x,p); y = Conv(z,w,b) pads=[1,0,0,0]; output y"},
    {"pad-into-conv", true,
     "input x 1,8,8,4; " CONV "int p 8 0,1,0,0,0,2,1,0; z = Pad(x,p); t = Transpose(z) "
     "perm=[0,3,1,2]; y = Conv(t,w,b); output y"},
    {"pad-into-conv", true,
     "input x 1,8,8,4; " CONV "int p 8 0,0,1,0,0,0,2,1; t = Transpose(x) perm=[0,3,2,1]; z = "
     "Pad(t,p); y = Conv(z,w,b); output y"},
    {"pad-into-conv", false,
     IMAGE CONV "int p 8 0,0,1,1,0,0,1,1; float v - 0.5; z = Pad(x,p,v); y = Conv(z,w,b); output y"},
    {"pad-into-conv", false, IMAGE CONV "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p) mode=edge; y = Conv(z,w,b); output y"},
    {"pad-into-conv", false,
     "input x 1,3,8,8; " CONV "int p 8 0,1,0,0,0,0,0,0; z = Pad(x,p); y = Conv(z,w,b); output y"},
    {"pad-into-conv", false, IMAGE CONV "int p 8 0,0,-1,0,0,0,0,0; z = Pad(x,p); y = Conv(z,w,b); output y"},
    {"pad-into-average", true,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p); y = AveragePool(z) kernel_shape=[3,3] "
           "strides=[2,2]; output y"},
    {"pad-into-average", false,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p); y = AveragePool(z) kernel_shape=[3,3] "
           "pads=[1,1,1,1]; output y"},
    {"pad-into-max", true,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; r = Relu(x); z = Pad(r,p); y = MaxPool(z) kernel_shape=[3,3] "
           "strides=[2,2]; output y"},
    {"pad-into-max", true,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; float v - -3.4028235e38; z = Pad(x,p,v); y = MaxPool(z) "
           "kernel_shape=[3,3]; output y"},
    {"pad-into-max", false,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p); y = MaxPool(z) kernel_shape=[3,3] "
           "strides=[2,2]; output y"},
    {"pad-into-max", false,
     IMAGE /* the corner window sees padding only */
     "int p 8 0,0,3,3,0,0,0,0; r = Relu(x); z = Pad(r,p); y = MaxPool(z) kernel_shape=[3,3] "
     "strides=[3,3]; output y"},

    {"relu-clip", true, IMAGE "y = Relu(x); output y"},
    {"minmax-clip", true, IMAGE "float a 1 0.5; float c - -0.5; z = Min(a,x); y = Max(z,c); output y"},
    {"minmax-clip", false, IMAGE "float a 1,4,1,1 0.5,1; y = Min(x,a); output y"},
    {"clip-merge", true, IMAGE "float a - 0.5; z = Relu(x); y = Min(z,a); output y"},
    {"clip-merge", false, IMAGE "float a - 0.5; z = Relu(x); y = Min(z,a); output y; output z"},
    {"clip-unbounded", true, IMAGE "z = Clip(x); y = Abs(z); output y"},
    {"prelu-leaky", true, IMAGE "float s 4,1,1 0.25; y = PRelu(x,s); output y"},
    {"prelu-leaky", false, IMAGE "float s 4,1,1 random; y = PRelu(x,s); output y"},
    {"prelu-shape", true, IMAGE "float s 1,4,1,1 random; y = PRelu(x,s); output y"},
    {"hard-sigmoid", true,
     IMAGE "float a - 0.2; float b - 0.5; float l - 0; float h - 1; m = Mul(x,a); s = Add(m,b); y "
           "= Clip(s,l,h); output y"},
    {"hard-sigmoid", true,
     IMAGE "float b - 3; float l - 0; float h - 6; s = Add(x,b); c = Clip(s,l,h); y = Div(c,h); "
           "output y"},
    {"hard-sigmoid", false, IMAGE "float b - 3; float l - 0; float h - 6; s = Add(x,b); y = Clip(s,l,h); output y"},
    {"swish", true, IMAGE "s = Sigmoid(x); y = Mul(s,x); output y"},
    {"swish", false, IMAGE "a = Abs(x); s = Sigmoid(a); y = Mul(s,x); output y"},
    {"hard-swish", true, "opset 13; " IMAGE "s = HardSigmoid(x) alpha=0.16666667 beta=0.5; y = Mul(x,s); output y"},
    {"hard-swish", true,
     IMAGE "float b - 3; float l - 0; float h - 6; s = Add(x,b); c = Clip(s,l,h); m = Mul(x,c); y "
           "= Div(m,h); output y"},
    {"hard-swish", true, IMAGE "s = HardSigmoid(x) alpha=0.2 beta=0.5; y = Mul(x,s); output y"},
    {"hard-swish", false, IMAGE "z = Abs(x); s = HardSigmoid(z) alpha=0.2 beta=0.5; y = Mul(x,s); output y"},
    {"hard-swish", false, "opset 14; " IMAGE "y = HardSwish(x); output y"},
    {"layernorm-form", true,
     "opset 17; input x 2,3,8; float s 8 random; y = LayerNormalization(x,s) axis=-1; output y"},
    {"layernorm-form", false, /* its scale is no constant */
     "opset 17; input x 2,3,8; input s 8; y = LayerNormalization(x,s) axis=-1; output y"},
    {"layernorm-written", true,
     "input x 2,3,8; float e - 0.1; float two - 2; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); q = Pow(c,two); "
     "v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); y = Div(c,r); output y"},
    {"layernorm-written", true,
     "input x 2,3,8; float e - 0.1; m = ReduceMean(x) axes=[1,2]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[1,2]; w = Add(e,v); r = Sqrt(w); i = Reciprocal(r); y = Mul(i,c); output y"},
    {"layernorm-written", true, /* over the channels of pictures */
     "input x 2,8,3,5; float e - 0.1; float g 8,1,1 random; m = ReduceMean(x) axes=[1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[1]; w = Add(v,e); r = Sqrt(w); s = Mul(g,c); y = Div(s,r); output y"},
    {"layernorm-written", true,
     "input x 2,8,3,5; float e - 0.1; m = ReduceMean(x) axes=[1,3]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[1,3]; w = Add(v,e); r = Sqrt(w); y = Div(c,r); output y"},
    {"layernorm-written", true, /* transposed half way */
     "input x 2,8,3,5; float e - 0.1; float g 8 random; m = ReduceMean(x) axes=[1]; d = Sub(x,m); "
     "c = Transpose(d) perm=[0,2,3,1]; q = Mul(c,c); v = ReduceMean(q) axes=[-1]; w = Add(v,e); r = Sqrt(w); "
     "s = Mul(g,c); y = Div(s,r); output y"},
    {"layernorm-written", false, /* over another axis then */
     "input x 2,8,3,5; float e - 0.1; m = ReduceMean(x) axes=[1]; d = Sub(x,m); "
     "c = Transpose(d) perm=[0,2,3,1]; q = Mul(c,c); v = ReduceMean(q) axes=[1]; w = Add(v,e); r = Sqrt(w); "
     "y = Div(c,r); output y"},
    {"layernorm-written", false,
     "input x 2,8,3,5; float e - 0.1; m = ReduceMean(x) axes=[1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); y = Div(c,r); output y"},
    {"layernorm-written", false, /* epsilon outside the root is another function */
     "input x 2,3,8; float e - 0.1; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[2]; r = Sqrt(v); w = Add(r,e); y = Div(c,w); output y"},
    {"layernorm-written", false, /* variance over other axes than the mean */
     "input x 2,3,8; float e - 0.1; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[1,2]; w = Add(v,e); r = Sqrt(w); y = Div(c,r); output y"},
    {"layernorm-written", false, /* upside down */
     "input x 2,3,8; float e - 0.1; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); y = Div(r,c); output y"},
    {"layernorm-affine", true,
     "opset 17; input x 2,3,8; float s 8 random; float g 8 random; float h 8 random; "
     "z = LayerNormalization(x,s) axis=-1; u = Mul(g,z); y = Add(u,h); output y"},
    {"layernorm-affine", false, /* along another axis */
     "opset 17; input x 2,3,8; float s 8 random; float g 3,1 random; z = LayerNormalization(x,s) axis=-1; "
     "y = Mul(z,g); output y"},
    {"attention-scale", true, "input q 1,2,3,4; input k 1,2,4,3; float c - 2; s = MatMul(q,k); y = Div(s,c); output y"},
    {"attention-scale", false,
     "input q 1,2,3,4; input k 1,2,4,3; float c 3 random; s = MatMul(q,k); y = Mul(s,c); output y"},
    {"attention-scale-before", true,
     "input q 1,3,8; input k 1,2,4,3; float c - 0.5; int h 4 1,3,2,4; p = Mul(q,c); r = Reshape(p,h); "
     "t = Transpose(r) perm=[0,2,1,3]; y = MatMul(t,k); output y"},
    {"attention-scale-before", true, /* both factors */
     "input q 2,3,4; input k 2,4,3; float c - 0.5; a = Mul(q,c); b = Div(k,c); d = Mul(b,c); y = MatMul(a,d); "
     "output y"},
    {"attention-scale-before", false, /* somebody else reads it scaled */
     "input q 2,3,4; input k 2,4,3; float c - 0.5; a = Mul(q,c); y = MatMul(a,k); output y; output a"},
    {"dense-rows", true,
     "input x 1,3,4; float w 4,5 random; int f 2 -1,4; int b 3 1,3,5; r = Reshape(x,f); m = MatMul(r,w); "
     "y = Reshape(m,b); output y"},
    {"dense-rows", false, /* another last axis */
     "input x 1,3,4; float w 6,5 random; int f 2 2,6; r = Reshape(x,f); y = MatMul(r,w); output y"},
    {"dense-parts", true,
     "input x 1,3,4; float w 4,6 random; float b 6 random; m = MatMul(x,w); a = Add(m,b); "
     "y,z = Split(a) axis=2; output y; output z"},
    {"dense-parts", false, /* the whole is wanted, too */
     "input x 1,3,4; float w 4,6 random; m = MatMul(x,w); y,z = Split(m) axis=2; u = Abs(m); output y; output z; "
     "output u"},
    {"layernorm-folded", true,
     "input x 1,3,8; float e - 0.1; float g 8 random; float h 8 random; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); "
     "q = Mul(c,c); v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); i = Reciprocal(r); f = Mul(i,g); "
     "a = Mul(x,f); b = Mul(m,f); d = Sub(h,b); y = Add(a,d); output y"},
    {"layernorm-folded", true, /* neither scale nor shift */
     "input x 1,3,8; float e - 0.1; float o - 1; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); f = Div(o,r); a = Mul(x,f); b = Mul(m,f); y = Sub(a,b); "
     "output y"},
    {"layernorm-folded", false, /* the mean of something else */
     "input x 1,3,8; float e - 0.1; float h 8 random; u = Abs(x); n = ReduceMean(u) axes=[-1]; m = ReduceMean(x) axes=[-1]; "
     "c = Sub(x,m); q = Mul(c,c); v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); i = Reciprocal(r); "
     "a = Mul(x,i); b = Mul(n,i); d = Sub(h,b); y = Add(a,d); output y"},
    {"layernorm-written", true, /* scaled before it is divided */
     "input x 2,3,8; float e - 0.1; float g 8 random; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); q = Mul(c,c); "
     "v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Sqrt(w); s = Mul(g,c); y = Div(s,r); output y"},
    {"layernorm-written", true,
     "input x 2,3,8; float e - 0.1; float g 8 random; float p - -0.5; m = ReduceMean(x) axes=[-1]; c = Sub(x,m); "
     "q = Mul(c,c); v = ReduceMean(q) axes=[2]; w = Add(v,e); r = Pow(w,p); s = Mul(r,g); y = Mul(c,s); output y"},
    {"dense-parts", true, /* cut into parts, heads and their width */
     "input x 1,3,4; float w 4,12 random; float b 12 random; int s 5 1,3,3,2,2; int j - 1; int k - 2; m = MatMul(x,w); "
     "a = Add(m,b); r = Reshape(a,s); t = Transpose(r) perm=[2,0,3,1,4]; y = Gather(t,j) axis=0; "
     "z = Gather(t,k) axis=0; output y; output z"},
    {"dense-parts", true, /* parts within the heads */
     "input x 1,3,4; float w 4,12 random; int s 4 1,3,2,6; m = MatMul(x,w); r = Reshape(m,s); y,z,u = Split(r) axis=3; "
     "output y; output z; output u"},
    {"dense-parts", false, /* rows of the sequence, not of the layer */
     "input x 1,4,4; float w 4,6 random; int s 4 2,2,2,3; m = MatMul(x,w); r = Reshape(m,s); y,z = Split(r) axis=1; "
     "output y; output z"},
    {"matmul-batch", true, "input q 2,3,4; input k 2,4,5; y = MatMul(q,k); output y"},
    {"matmul-batch", false, "input q 1,2,3,4; input k 1,2,4,5; y = MatMul(q,k); output y"},
    {"einsum-matmul", true, "input x 1,3,4; float w 4,2,5 random; y = Einsum(x,w) equation=abc,cde->abde; output y"},
    {"einsum-matmul", true, "input x 1,3,2,5; float w 2,5,4 random; y = Einsum(x,w) equation=abcd,cde->abe; output y"},
    {"einsum-matmul", true, /* keys and queries, the axes of the second first */
     "input k 1,6,2,4; input q 1,3,2,4; y = Einsum(k,q) equation=aecd,abcd->acbe; output y"},
    {"einsum-matmul", true, "input a 1,2,3,6; input v 1,6,2,4; y = Einsum(a,v) equation=acbe,aecd->abcd; output y"},
    {"einsum-matmul", true, "input x 3,4; float w 4,5 random; y = Einsum(w,x) equation=ij,ki->jk; output y"},
    {"einsum-matmul", false, "input x 1,3,4; y = Einsum(x) equation=abc->ab; output y"},
    {"einsum-matmul", false, "input x 3,4; input w 5,2; y = Einsum(x,w) equation=ij,kl->ik; output y"},
    {"einsum-matmul", false, "input x 3,4; input w 3,4; y = Einsum(x,w) equation=ij,ij->ij; output y"},
    {"sum-order", true,
     "input a 2,3; input b 2,3; float c 2,3 random; u = Sigmoid(a); p = Add(u,c); v = Abs(b); y = Add(p,v); output y"},
    {"sum-order", false, /* somebody else reads the first sum */
     "input a 2,3; input b 2,3; float c 2,3 random; u = Sigmoid(a); p = Add(u,c); y = Add(p,b); output y; output p"},
    {"sum-order", false, /* the constant makes it larger */
     "input a 1,3; input b 2,3; float c 2,3 random; p = Add(a,c); y = Add(p,b); output y"},
    {"reshape-order-last", true,
     "input x 1,3,8; float c 2,4 random; int s 4 1,3,2,4; a = Abs(x); r = Reshape(a,s); y = Add(r,c); output y"},
    {"reshape-order-last", false, /* along the heads only */
     "input x 1,3,8; float c 2,1 random; int s 4 1,3,2,4; a = Abs(x); r = Reshape(a,s); y = Add(r,c); output y"},
    {"reshape-order-last", false, /* not the axis that was cut */
     "input x 1,8,3; float c 2,4,1 random; int s 4 1,2,4,3; a = Abs(x); r = Reshape(a,s); y = Add(r,c); output y"},
    {"reshape-order-units", true,
     "input x 1,2,3,4; input b 2,1,4; int s 3 2,3,4; a = Abs(x); r = Reshape(a,s); y = Add(b,r); output y"},
    {"reshape-order-units", false,
     "input x 1,2,3,4; input b 6,4; int s 2 6,4; a = Abs(x); r = Reshape(a,s); y = Mul(r,b); output y"},
    {"reshape-order-slice", true,
     "input x 3,1,4; int s 2 3,4; a = Abs(x); r = Reshape(a,s); y,z = Split(r) axis=1; output y; output z"},
    {"reshape-order-slice", false,
     "input x 3,4; int s 2 2,6; a = Abs(x); r = Reshape(a,s); y,z = Split(r) axis=1; output y; output z"},
    {"reshape-order", true,
     "opset 17; input x 2,3,8; float g 8 random; int s 2 6,8; r = Reshape(x,s); y = LayerNormalization(r,g) axis=-1; "
     "output y"},
    {"reshape-order", true,
     "input x 1,2,3,4; int s 3 2,3,4; a = Abs(x); r = Reshape(a,s); y = Softmax(r) axis=1; output y"},
    {"expand-broadcast", true, "input x 2,3,4; input b 1,1,4; int s 3 1,3,4; e = Expand(b,s); y = Add(x,e); output y"},
    {"expand-broadcast", false, /* it makes the result larger */
     "input x 1,1,4; input b 1,1,4; int s 3 2,3,4; e = Expand(b,s); y = Add(x,e); output y"},
    {"expand-broadcast", false,
     "input x 2,3,4; input b 1,1,4; int s 3 1,3,4; e = Expand(b,s); y = Add(x,e); output y; output e"},
    {"transpose-units-after", true,
     "input x 3,2,4; int s 4 1,2,3,4; t = Transpose(x) perm=[1,0,2]; y = Reshape(t,s); output y"},
    {"transpose-units-after", true,
     "input x 1,3,1,2,4; int s 4 1,2,3,4; t = Transpose(x) perm=[2,0,3,1,4]; y = Reshape(t,s); output y"},
    {"transpose-units-after", false,
     "input x 3,2,4; int s 2 6,4; t = Transpose(x) perm=[1,0,2]; y = Reshape(t,s); output y"},
    {"transpose-units-before", true,
     "input x 1,3,2,4; int s 3 3,2,4; r = Reshape(x,s); y = Transpose(r) perm=[2,0,1]; output y"},
    {"transpose-units-before", false,
     "input x 3,2,4; int s 3 6,2,2; r = Reshape(x,s); y = Transpose(r) perm=[1,0,2]; output y"},
    {"transpose-units-fixed", true,
     "input q 1,1,3,4; input k 1,3,1,4; t = Transpose(k) perm=[0,2,3,1]; y = MatMul(q,t); output y"},
    {"transpose-units-fixed", false, "input k 1,3,1,4; t = Transpose(k) perm=[0,2,3,1]; y = Abs(t); output y"},
    {"default-input", true,
     "input x 3,1,4; float w 1,16,4 random; float r 1,16,4 random; float b 1,32 0; y,h = LSTM(x,w,r,b) hidden_size=4; "
     "output y"},
    {"default-input", true,
     "input x 3,1,4; float w 1,12,4 random; float r 1,12,4 random; float s 1,1,4 0; y,h = GRU(x,w,r,,,s) "
     "hidden_size=4; output y"},
    {"default-input", true,
     "opset 14; input x 1,3,4; float w 1,4,4 random; float r 1,4,4 random; float s 1,1,4 0; float b 1,8 random; "
     "y,h = RNN(x,w,r,b,,s) hidden_size=4 layout=1; output y"},
    {"default-input", false,
     "input x 3,1,4; float w 1,16,4 random; float r 1,16,4 random; float s 1,1,4 0; float c 1,1,4 1; y,h = "
     "LSTM(x,w,r,,,c,c) hidden_size=4; output y"},
    {"group-scale", true,
     "opset 18; " IMAGE "float s 2 random; float b 2 random; y = GroupNormalization(x,s,b) num_groups=2; output y"},
    {"group-scale", false,
     "opset 21; " IMAGE "float s 4 random; float b 4 random; y = GroupNormalization(x,s,b) num_groups=2; output y"},
    {"saturate", true, "opset 19; " IMAGE "i = Cast(x) to=7; y = Cast(i) to=1; output y"},
    {"saturate", false, IMAGE "i = Cast(x) to=7; y = Cast(i) to=1; output y"},
    {"gelu", true,
     IMAGE "float r - 1.41421356; float o - 1; float h - 0.5; d = Div(x,r); e = Erf(d); a = "
           "Add(e,o); m = Mul(x,a); y = Mul(m,h); output y"},
    {"gelu", true,
     IMAGE "float k - 0.7978845608; float q - 0.044715; float t - 3; float o - 1; float h - 0.5; p "
           "= Pow(x,t); "
           "pq = Mul(p,q); s = Add(x,pq); sk = Mul(s,k); e = Tanh(sk); a = Add(e,o); xh = "
           "Mul(x,h); y = Mul(xh,a); output y"},
    {"gelu", false,
     IMAGE "float r - 1.5; float o - 1; float h - 0.5; d = Div(x,r); e = Erf(d); a = Add(e,o); m = "
           "Mul(x,a); y = Mul(m,h); output y"},

    {"batchnorm-affine", true,
     IMAGE "float s 4 random; float b 4 random; float m 4 random; float v 4 positive; "
           "r = Relu(x); y = BatchNormalization(r,s,b,m,v) epsilon=0.001; output y"},
    {"arithmetic-affine", true, IMAGE "float c 4,1,1 random; r = Abs(x); y = Sub(c,r); output y"},
    {"arithmetic-affine", true, IMAGE "float c 4,1,1 positive; r = Abs(x); y = Div(r,c); output y"},
    {"arithmetic-affine", false, IMAGE "float c 8,8 random; r = Abs(x); y = Mul(r,c); output y"},
    {"arithmetic-affine", false, IMAGE "float c 4,1,1 positive; r = Abs(x); y = Div(c,r); output y"},
    {"arithmetic-affine", false, IMAGE "float c 2,4,1,1 random; r = Abs(x); y = Mul(r,c); output y"},
    {"affine-merge", true,
     IMAGE "float c 4,1,1 random; float d - 0.5; r = Abs(x); m = Mul(r,c); y = Add(m,d); output y"},
    {"affine-unit", true,
     IMAGE "float c 4,1,1 2; float d 4,1,1 0.5; r = Abs(x); m = Mul(r,c); n = Mul(m,d); y = "
           "Abs(n); output y"},
    {"split-channels", true,
     "input x 1,3,5,6; int a - 0; int b - 1; int c - 2; int u 1 1; float s - 2.5; float t - -0.3; "
     "ga = Gather(x,a) axis=1; gb = Gather(x,b) axis=1; gc = Gather(x,c) axis=1; ua = "
     "Unsqueeze(ga,u); ub = Unsqueeze(gb,u); "
     "uc = Unsqueeze(gc,u); ma = Mul(ua,s); aa = Add(ma,t); ab = Add(ub,s); y = Concat(aa,ab,uc) "
     "axis=1; output y"},
    {"concat-units", true,
     "input x 1,5,6,3; int a - 0; int b - 1; int c - 2; int u 1 3; float s - 2.5; float t - -0.3; "
     "ga = Gather(x,a) axis=3; gb = Gather(x,b) axis=3; gc = Gather(x,c) axis=3; ua = "
     "Unsqueeze(ga,u); ub = Unsqueeze(gb,u); "
     "uc = Unsqueeze(gc,u); ma = Mul(ua,s); aa = Add(ma,t); ab = Add(ub,s); y = Concat(aa,ab,uc) "
     "axis=3; output y"},
    {"concat-units", false,
     "input x 1,3,5,6; int a - 0; int b - 1; int u 1 1; int v 1 2; ga = Gather(x,a) axis=1; "
     "gb = Gather(x,b) axis=1; ua = Unsqueeze(ga,u); ub = Unsqueeze(gb,v); f = Reshape(ua,w); "
     "h = Reshape(ub,w); int w 4 1,5,1,6; y = Concat(f,h) axis=0; output y"},
    {"split-channels", false,
     "input x 1,3,5,6; int a - 0; int b 2 1,2; float s - 2.5; int u 1 1; "
     "ga = Gather(x,a) axis=1; gb = Gather(x,b) axis=1; ua = Unsqueeze(ga,u); ma = Mul(ua,s); y = "
     "Concat(gb,ma) axis=1; output y"},
    {"batchnorm-fold", true,
     IMAGE CONV "float s 6 random; float t 6 random; float m 6 random; float v 6 positive; "
                "c = Conv(x,w,b); y = BatchNormalization(c,s,t,m,v); output y"},
    {"batchnorm-fold", true,
     IMAGE "float w 4,2,3,3 random; float s 8,1,1 random; float t 8,1,1 random; "
           "c = ConvTranspose(x,w) group=4; m = Mul(c,s); y = Add(m,t); output y"},
    {"batchnorm-fold", true,
     IMAGE "float w 8,2,3,3 random; float s 1,8,1,1 random; c = Conv(x,w) group=2; y = Mul(c,s); "
           "output y"},
    {"batchnorm-fold", false, IMAGE CONV "float s 6,1,1 random; c = Conv(x,w,b); y = Mul(c,s); output y; output c"},
    {"affine-forward", true,
     IMAGE CONV "float s 4,1,1 random; float t 4,1,1 random; r = Abs(x); m = Mul(r,s); a = "
                "Add(m,t); y = Conv(a,w,b); output y"},
    {"affine-forward", true,
     IMAGE "float w 8,2,3,3 random; float s 4,1,1 random; r = Abs(x); m = Mul(r,s); y = Conv(m,w) "
           "group=2 pads=[1,1,1,1]; output y"},
    {"affine-forward", false,
     IMAGE CONV "float t 4,1,1 random; r = Abs(x); m = Add(r,t); y = Conv(m,w,b) pads=[1,0,0,0]; output y"},
    {"affine-forward", false, IMAGE CONV "float t 4,1,1 random; m = Add(x,t); y = Conv(m,w,b); output y"},

    {"matmul-gemm", true, "input x 3,5; float w 5,4 random; y = MatMul(x,w); output y"},
    {"matmul-gemm", true, "input x 2,3,5; float w 5,4 random; y = MatMul(x,w); output y"},
    {"matmul-gemm", false, "input x 5,4; float w 3,5 random; y = MatMul(w,x); output y"},
    {"gemm-form", true,
     "input x 3,5; float w 5,4 random; float b 1,4 random; y = Gemm(x,w,b) alpha=0.5 beta=2.0; "
     "output y"},
    {"gemm-form", true, "input x 3,5; float w 4,5 random; float b - 0.5; y = Gemm(x,w,b) transB=1; output y"},
    {"gemm-form", false, "input x 3,5; float w 5,4 random; float b 3,4 random; y = Gemm(x,w,b); output y"},
    {"gemm-form", true, "input x 5,3; float w 5,4 random; y = Gemm(x,w) transA=1; output y"},
    {"gemm-transposed", true, "input x 5,3; float w 5,4 random; y = Gemm(x,w) transA=1; output y"},
    {"gemm-transposed", false, "input x 3,5; float w 5,4 random; y = Gemm(x,w); output y"},
    {"matmul-bias", true,
     "input x 2,3,5; float w 5,4 random; float b 4 random; m = MatMul(x,w); y = Add(b,m); output "
     "y"},
    {"matmul-bias", false,
     "input x 2,3,5; float w 5,4 random; float b 3,1 random; m = MatMul(x,w); y = Add(m,b); output "
     "y"},
    {"conv-gemm", true,
     IMAGE "float w 5,4,1,1 random; g = GlobalAveragePool(x); c = Conv(g,w); y = Flatten(c); output y"},
    {"conv-gemm", true, IMAGE "float w 5,4,8,8 random; y = Conv(x,w); output y"},
    {"conv-gemm", false, IMAGE "float w 5,4,1,1 random; y = Conv(x,w); output y"},
#define QUANTIZED                                                                                                      \
    IMAGE "float s - 0.05; float f - 120; z = Cast(f) to=2; xq = QuantizeLinear(x,s,z); "                              \
          "float sy - 0.40373; float fy - 128; zy = Cast(fy) to=2; "
    {"qlinear-conv", true,
     QUANTIZED "float w 6,4,3,3 3,-7,11,-2,5; q = Cast(w) to=3; float sw 6 0.1,0.2,0.3,0.1,0.2,0.05; float zw 6 0; "
               "n = Cast(zw) to=3; float b 6 100,-20,3; bq = Cast(b) to=6; c = QLinearConv(xq,s,z,q,sw,n,sy,zy,bq) "
               "pads=[1,1,1,1]; y = DequantizeLinear(c,sy,zy); output y"},
    {"qlinear-conv", false, IMAGE CONV "y = Conv(x,w,b); output y"},
    {"qlinear-matmul", true,
     QUANTIZED "float w 8,5 3,-7,11,-2,5,9; q = Cast(w) to=3; float sw - 0.2; float zw - 1; n = Cast(zw) to=3; "
               "c = QLinearMatMul(xq,s,z,q,sw,n,sy,zy); y = DequantizeLinear(c,sy,zy); output y"},
    {"qlinear-matmul", false,
     QUANTIZED "c = QLinearMatMul(xq,s,z,xq,s,z,sy,zy); y = DequantizeLinear(c,sy,zy); output y"},
    {"qgemm", true,
     QUANTIZED
     "f2 = Flatten(xq); float w 5,256 3,-7,11,-2,5,9; q = Cast(w) to=3; float sw 5 0.1,0.2,0.3; float zw 5 0; "
     "n = Cast(zw) to=3; float b 5 100,-20,3; bq = Cast(b) to=6; c = com.microsoft.QGemm(f2,s,z,q,sw,n,bq,sy,zy) "
     "transB=1 alpha=0.5; y = DequantizeLinear(c,sy,zy); output y"},
    {"qgemm", true,
     QUANTIZED "f2 = Flatten(xq); float w 256,5 3,-7,11,-2,5,9; q = Cast(w) to=3; float sw - 0.1; float zw - 0; "
               "n = Cast(zw) to=3; y = com.microsoft.QGemm(f2,s,z,q,sw,n); output y"},
    {"qgemm", false, IMAGE "float w 5,256 random; f = Flatten(x); y = Gemm(f,w) transB=1; output y"},
    {"qlinear", true,
     QUANTIZED "float b 4,1,1 3,200,11; q = Cast(b) to=2; c = com.microsoft.QLinearAdd(xq,s,z,q,s,z,sy,zy); "
               "y = DequantizeLinear(c,sy,zy); output y"},
    {"qlinear", true,
     QUANTIZED "c = com.microsoft.QLinearMul(xq,s,z,xq,s,z,sy,zy); y = DequantizeLinear(c,sy,zy); output y"},
    {"qlinear", true,
     QUANTIZED "c = com.microsoft.QLinearConcat(sy,zy,xq,s,z,xq,s,z) axis=1; y = DequantizeLinear(c,sy,zy); output y"},
    {"qlinear", true,
     QUANTIZED "c = com.microsoft.QLinearSoftmax(xq,s,z,s,z) axis=1 opset=11; y = DequantizeLinear(c,s,z); output y"},
    {"qlinear", true,
     QUANTIZED "c = com.microsoft.QLinearGlobalAveragePool(xq,s,z,s,z) channels_last=0; y = DequantizeLinear(c,s,z); "
               "output y"},
    {"qlinear", true,
     QUANTIZED "c = com.microsoft.QLinearAveragePool(xq,s,z,s,z) kernel_shape=[2,2] strides=[2,2]; "
               "d = com.microsoft.QLinearLeakyRelu(c,s,z,s,z) alpha=0.1; y = DequantizeLinear(d,s,z); output y"},
    {"qlinear", false, QUANTIZED "d = DequantizeLinear(xq,s,z); y = Sigmoid(d); output y"},
    {"bias-gelu", true, "input x 2,8; float b 8 random; y = com.microsoft.BiasGelu(x,b); output y"},
    {"bias-gelu", false, "input x 2,8; y = com.microsoft.Gelu(x); output y"},
    {"fused-layer", true,
     IMAGE CONV "z = com.microsoft.FusedConv(x,w,b) activation=Relu; y = com.microsoft.FusedConv(x,w,b,z) "
                "activation=LeakyRelu activation_params=[0.1]; output y"},
    {"fused-layer", true,
     "input x 2,8; float w 8,3 random; y = com.microsoft.FusedGemm(x,w) activation=Tanh alpha=0.5; output y"},
    {"fused-layer", false, IMAGE CONV "z = Conv(x,w,b); y = Relu(z); output y"},
    {"fused-matmul", true,
     "input x 2,3,5; input z 2,4,5; y = com.microsoft.FusedMatMul(x,z) transB=1 alpha=0.25; output y"},
    {"fused-matmul", false, "input x 2,3,5; input z 2,5,4; y = MatMul(x,z); output y"},
    {"requantized", true,
     QUANTIZED "d = DequantizeLinear(xq,s,z); e = QuantizeLinear(d,s,z); y = DequantizeLinear(e,s,z); output y"},
    {"requantized", false,
     QUANTIZED "d = DequantizeLinear(xq,s,z); e = QuantizeLinear(d,sy,zy); y = DequantizeLinear(e,sy,zy); output y"},
    {"select-dequantized", true,
     QUANTIZED "m = MaxPool(xq) kernel_shape=[2,2] strides=[2,2]; y = DequantizeLinear(m,s,z); w = Abs(y); "
               "v = DequantizeLinear(m,s,z); t = Sub(v,w); output t"},
    {"select-dequantized", false,
     QUANTIZED "m = MaxPool(xq) kernel_shape=[2,2]; y = DequantizeLinear(m,s,z); v = DequantizeLinear(m,sy,zy); "
               "t = Sub(v,y); output t"},
    {"select-dequantized", false,
     QUANTIZED "float neg - -0.1; m = MaxPool(xq) kernel_shape=[2,2]; y = DequantizeLinear(m,neg,z); output y"},
    {"flatten-order", true,
     IMAGE "float w 256,3 random; t = Transpose(x) perm=[0,2,3,1]; f = Flatten(t); y = "
           "MatMul(f,w); output y"},
    {"flatten-order", false, IMAGE "float w 256,3 random; f = Flatten(x); y = MatMul(f,w); output y"},

    {"reduce-global", true, IMAGE "y = ReduceMean(x) axes=[2,3] keepdims=1; output y"},
    {"reduce-global", true, IMAGE "y = ReduceMax(x) axes=[2,3] keepdims=0; output y"},
    {"reduce-global", false, IMAGE "y = ReduceMean(x) axes=[1,2] keepdims=1; output y"},
    {"window-global", true, IMAGE "y = AveragePool(x) kernel_shape=[8,8]; output y"},
    {"window-global", false, IMAGE "y = AveragePool(x) kernel_shape=[7,8]; output y"},
    {"window-global", false, IMAGE "y = AveragePool(x) kernel_shape=[8,8] pads=[1,0,0,0] strides=[2,2]; output y"},
    {"trivial-pool", true, IMAGE "z = MaxPool(x) kernel_shape=[1,1]; y = Abs(z); output y"},
    {"trivial-pool", false, IMAGE "z = MaxPool(x) kernel_shape=[1,1] strides=[2,2]; y = Abs(z); output y"},

    {"reshape-twice", true, IMAGE "int s 2 16,16; z = Flatten(x); y = Reshape(z,s); output y"},
    {"reshape-order", true, IMAGE "z = Flatten(x); r = Sigmoid(z); y = Softmax(r); output y"},
    {"reshape-order", true, "opset 11; input x 1,5,1,1; z = Flatten(x); y = Softmax(z); output y"},
    {"reshape-order-constant", true,
     "input x 1,5,1,1; int s 4 1,1,1,5; float c 5 random; r = Abs(x); z = Reshape(r,s); y = "
     "Add(c,z); output y"},
    {"reshape-order-constant", false,
     "input x 1,6,1,1; int s 4 1,2,3,1; float c 3,1 random; z = Reshape(x,s); y = Add(z,c); output "
     "y"},
    {"reshape-order-two", true,
     IMAGE "a = Abs(x); b = Sigmoid(x); fa = Flatten(a); fb = Flatten(b); y = Add(fa,fb); output y"},

    {"input-layout", true,
     "input x 1,8,9,3; float w 6,3,3,3 random; t = Transpose(x) perm=[0,3,1,2]; y = Conv(t,w); "
     "output y"},
    {"input-layout", true,
     "input x 1,8,3,9; float w 6,3,3,3 random; t = Transpose(x) perm=[0,2,1,3]; y = Conv(t,w); "
     "output y"},
    {"input-layout", false, "input x 1,3,8,9; float w 6,3,3,3 random; y = Conv(x,w); output y"},
    {"transpose-units", true, "input x 1,5,1,1; t = Transpose(x) perm=[0,2,3,1]; y = Abs(t); output y"},
    {"transpose-units", false, IMAGE "t = Transpose(x) perm=[0,2,3,1]; y = Abs(t); output y"},
    {"transpose-twice", true,
     IMAGE "t = Transpose(x) perm=[0,2,3,1]; r = Abs(t); y = Transpose(r) perm=[0,2,1,3]; output y"},
    {"transpose-pad", true,
     IMAGE CONV "int p 8 0,1,0,0,0,2,1,0; u = Transpose(x) perm=[0,2,3,1]; z = Pad(u,p); t = "
                "Transpose(z) perm=[0,3,1,2]; y = Conv(t,w,b); output y"},
    {"dense-on-channels", true, IMAGE "float w 4,5 random; t = Transpose(x) perm=[0,2,3,1]; y = MatMul(t,w); output y"},
    {"dense-on-channels", false,
     IMAGE "float w 8,5 random; t = Transpose(x) perm=[0,2,1,3]; y = MatMul(t,w); output y"},
    {"transpose-order", true, IMAGE "float c 4 random; t = Transpose(x) perm=[0,2,3,1]; y = Mul(t,c); output y"},
    {"transpose-order", true, IMAGE "t = Transpose(x) perm=[0,2,3,1]; a = Abs(t); y = Concat(t,a) axis=3; output y"},
    {"transpose-order", true,
     IMAGE "t = Transpose(x) perm=[0,2,3,1]; y = ReduceMean(t) axes=[1,2] keepdims=1; output y"},
    {"transpose-order", true, IMAGE "t = Transpose(x) perm=[0,2,3,1]; y = Softmax(t) axis=-1; output y"},
    {"transpose-order", true,
     IMAGE /* squeeze and excite in NHWC */
     "t = Transpose(x) perm=[0,2,3,1]; m = ReduceMean(t) axes=[1,2] keepdims=1; s = Sigmoid(m); p "
     "= Mul(t,s); y = Transpose(p) perm=[0,3,1,2]; output y"},
    {"transpose-order", false, IMAGE "t = Transpose(x) perm=[0,1,3,2]; y = MaxPool(t) kernel_shape=[1,2]; output y"},

    {"slice-form", true, "opset 9; " IMAGE "y = Slice(x) axes=[3,-3] starts=[1,-3] ends=[-1,100]; output y"},
    {"slice-form", true,
     IMAGE "int a 2 -1,0; int b 2 -100,3; int c 2 3,1; int d 2 -2,2; y = Slice(x,a,b,c,d); output y"},
    {"split-slices", true, IMAGE "int s 2 1,3; a,b = Split(x,s) axis=1; c = Abs(b); y = Concat(c,a) axis=1; output y"},
    {"split-slices", true, "opset 11; " IMAGE "a,b = Split(x) axis=-1 split=[5,3]; y = Concat(b,a) axis=3; output y"},
    {"gather-slice", true, IMAGE "int i - -2; y = Gather(x,i) axis=1; output y"},
    {"gather-slice", true, IMAGE "int i 2 1,2; y = Gather(x,i) axis=2; output y"},
    {"gather-slice", false, IMAGE "int i 2 2,1; y = Gather(x,i) axis=2; output y"},
    {"resize-form", true, IMAGE "int s 4 1,4,16,12; y = Resize(x,,,s) mode=linear; output y"},
    {"resize-form", true, "opset 9; " IMAGE "float s 4 1,1,2,2; y = Upsample(x,s) mode=nearest; output y"},
    {"resize-form", true,
     IMAGE "float s 4 1,1,2,1.5; y = Resize(x,,s) mode=nearest "
           "coordinate_transformation_mode=asymmetric nearest_mode=floor; output y"},
    {"resize-same", true, IMAGE "float s 4 1,1,1,1; r = Resize(x,,s) mode=linear; y = Abs(r); output y"},

    {"constant-folding", true,
     IMAGE "float w 3,3,4,6 random; t = Transpose(w) perm=[3,2,0,1]; y = Conv(x,t); output y"},
    {"constant-folding", true, IMAGE "int q 6,4,3,3 1,2,3; c = Cast(q) to=1; i = Identity(c); y = Conv(x,i); output y"},
    {"unused-node", true, IMAGE "z = Abs(x); y = Sigmoid(x); output y"},
    /* Where they must not fire. */
    {"output-shape", false,
     IMAGE "float w 4,3,3,3 random; y = ConvTranspose(x,w) strides=[2,2] output_padding=[1,0]; output y"},
    {"reduce-keepdims", false, IMAGE "y = ReduceMax(x) axes=[1] keepdims=1; output y"},
    {"reshape", false, IMAGE "y = Transpose(x) perm=[0,2,3,1]; output y"},
    {"softmax-axis", false, IMAGE "y = Sigmoid(x); output y"},
    {"transpose-default", false, IMAGE "y = Transpose(x) perm=[3,2,1,0]; output y"},
    {"sum-add", false, IMAGE "z = Abs(x); u = Sigmoid(x); y = Sum(x,z,u); output y"},
    {"identity", false, IMAGE "z = Cast(x) to=11; y = Abs(z); output y"},
    {"same-shape", false, IMAGE "int s 4 1,8,4,8; z = Reshape(x,s); y = Abs(z); output y"},
    {"relu-clip", false, IMAGE "y = LeakyRelu(x) alpha=0.1; output y"},
    {"clip-unbounded", false, IMAGE "float a - -1; z = Clip(x,a); y = Abs(z); output y"},
    {"prelu-shape", false, IMAGE "float s 8,8 random; y = PRelu(x,s); output y"},
    {"batchnorm-affine", false,
     IMAGE "float s 4 random; float b 4 random; float m 4 random; input v 4; "
           "y = BatchNormalization(x,s,b,m,v); output y"},
    {"affine-merge", false,
     IMAGE "float c 4,1,1 random; float d - 0.5; r = Abs(x); m = Mul(r,c); y = Add(m,d); output y; output m"},
    {"affine-unit", false, IMAGE "float c 4,1,1 2; r = Abs(x); m = Mul(r,c); y = Abs(m); output y"},
    {"reshape-twice", false, IMAGE "int s 2 16,16; z = Reshape(x,s); a = Softmax(z); y = Flatten(a) axis=0; output y"},
    {"reshape-order", false, IMAGE "z = Flatten(x); y = Softmax(z) axis=1; output y; output z"},
    {"reshape-order-two", false,
     IMAGE "a = Abs(x); b = Sigmoid(x); fa = Flatten(a) axis=2; fb = Flatten(b); int s 2 4,64; rb = Reshape(fb,s); "
           "y = Add(fa,rb); output y; output fa"},
    {"transpose-twice", false, IMAGE "t = Transpose(x) perm=[0,2,3,1]; y = Abs(t); output y"},
    {"transpose-pad", false, IMAGE CONV "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p); y = Conv(z,w,b); output y"},
    {"slice-form", false, IMAGE "input a 1; y = Sigmoid(x); z = Abs(a); output y; output z"},
    {"split-slices", false, IMAGE "y = Concat(x,x) axis=1; output y"},
    {"resize-form", false, IMAGE "y = DepthToSpace(x) blocksize=2; output y"},
    {"resize-same", false, IMAGE "float s 4 1,1,2,1; r = Resize(x,,s) mode=linear; y = Abs(r); output y"},
    {"constant-folding", false, IMAGE "float w 6,4,3,3 random; y = Conv(x,w); output y"},
    {"unused-node", false, IMAGE "z = Abs(x); y = Sigmoid(z); output y"},

    {"last-state", true,
     "input x 5,1,4; float w 1,12,4 random; float r 1,12,3 random; int i - -1; o = LSTM(x,w,r) hidden_size=3; "
     "y = Gather(o,i) axis=0; output y"},
    {"last-state", true,
     "input x 5,1,4; float w 1,9,4 random; float r 1,9,3 random; int a 1 4; int b 1 5; int c 1 0; "
     "o,h = GRU(x,w,r) hidden_size=3; y = Slice(o,a,b,c); output y; output h"},
    {"last-state", false,
     "input x 5,1,4; float w 1,12,4 random; float r 1,12,3 random; int i - 0; o = LSTM(x,w,r) hidden_size=3; "
     "y = Gather(o,i) axis=0; output y"},
    {"last-state", false,
     "input x 5,1,4; float w 1,12,4 random; float r 1,12,3 random; int i - -1; "
     "o = LSTM(x,w,r) hidden_size=3 direction=reverse; y = Gather(o,i) axis=0; output y"},
    {"dense-depthwise", true, "input x 1,2,6,6; float w 2,2,1,1 1.5,0,0,-2; r = Abs(x); y = Conv(r,w); output y"},
    {"dense-depthwise", true, "input x 1,2,6,6; float w 4,2,1,1 1.5,0,0.5,0,0,-2,0,3; y = Conv(x,w); output y"},
    {"dense-depthwise", false, "input x 1,2,6,6; float w 2,2,1,1 1.5,0,0.25,-2; y = Conv(x,w); output y"},
    {"dense-depthwise", false, "input x 1,2,6,6; float w 2,2,1,1 1.5,0,0,0; y = Conv(x,w); output y"},
    {"dense-depthwise", false, "input x 1,2,6,6; float w 2,2,1,1 0,1.5,-2,0; y = Conv(x,w); output y"},
    {"reshape-order", true, "input x 1,5,1,1; z = Flatten(x); y = Softmax(z) axis=0; output y"},
    {"zero-bias", false, IMAGE CONV "y = Conv(x,w,b); output y"},

    {"pad-other", true, IMAGE CONV "int p 8 0,0,1,2,0,0,0,1; z = Pad(x,p) mode=edge; y = Conv(z,w,b); output y"},
    {"pad-other", true,
     IMAGE CONV "int p 8 0,0,1,1,0,0,2,1; float v - 0.5; z = Pad(x,p,v); y = Conv(z,w,b) strides=[2,2]; output y"},
    {"pad-other", true, IMAGE "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p); y = MaxPool(z) kernel_shape=[3,3]; output y"},
    {"pad-other", true,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; float v - 2; z = Pad(x,p,v); y = AveragePool(z) kernel_shape=[3,3]; output y"},
    {"pad-other", false,
     IMAGE CONV "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p) mode=reflect; y = Conv(z,w,b) pads=[1,0,0,0]; output y"},
    {"pad-other", false, IMAGE CONV "int p 8 0,0,-1,0,0,0,0,0; z = Pad(x,p) mode=reflect; y = Conv(z,w,b); output y"},
    {"pad-other", false,
     IMAGE "int p 8 0,0,1,1,0,0,1,1; z = Pad(x,p); y = MaxPool(z) kernel_shape=[3,3] strides=[2,2] ceil_mode=1; "
           "output y"},
    {"crop-into-deconv", true,
     IMAGE "float w 4,3,3,3 random; z = ConvTranspose(x,w) strides=[2,2]; int s 2 1,0; int e 2 -1,16; int a 2 2,3; "
           "y = Slice(z,s,e,a); output y"},
    {"crop-into-deconv", false,
     IMAGE "float w 4,3,3,3 random; z = ConvTranspose(x,w) strides=[2,2]; int s 1 0; int e 1 99; int a 1 2; int t 1 2; "
           "y = Slice(z,s,e,a,t); output y"},
    {"crop-into-deconv", false,
     IMAGE "float w 4,3,3,3 random; z = ConvTranspose(x,w) strides=[2,2]; int s 1 1; int e 1 3; int a 1 1; "
           "y = Slice(z,s,e,a); output y"},
    {"subsampled-conv", true,
     IMAGE "float w 6,4,1,1 random; z = MaxPool(x) kernel_shape=[1,1] strides=[2,3]; y = Conv(z,w) strides=[2,1]; "
           "output y"},
    {"subsampled-conv", true,
     IMAGE "float w 6,4,1,1 random; int s 2 0,0; int e 2 99,99; int a 2 2,3; int t 2 2,2; z = Slice(x,s,e,a,t); "
           "y = Conv(z,w); output y"},
    {"subsampled-conv", false,
     IMAGE "float w 6,4,3,3 random; z = MaxPool(x) kernel_shape=[1,1] strides=[2,2]; y = Conv(z,w); output y"},
    {"subsampled-conv", false,
     IMAGE "float w 6,4,1,1 random; int s 1 1; int e 1 99; int a 1 2; int t 1 2; z = Slice(x,s,e,a,t); "
           "y = Conv(z,w); output y"},
    {"transpose-reshape", true,
     IMAGE "int s 5 1,8,8,2,2; int z 4 1,8,8,4; t = Transpose(x) perm=[0,2,3,1]; r = Reshape(t,s); "
           "u = Transpose(r) perm=[0,1,2,4,3]; v = Reshape(u,z); y = Transpose(v) perm=[0,3,1,2]; output y"},
    {"transpose-reshape", true,
     IMAGE "int s 3 1,64,4; t = Transpose(x) perm=[0,2,3,1]; r = Reshape(t,s); y = Softmax(r) axis=1; output y"},
    {"transpose-reshape", false,
     IMAGE "int s 3 8,8,4; int z 4 1,8,8,4; t = Transpose(x) perm=[0,2,3,1]; r = Reshape(t,s); v = Reshape(r,z); "
           "y = Transpose(v) perm=[0,3,1,2]; output y"},
    {"transpose-reshape", false, IMAGE "int s 2 1,256; t = Transpose(x) perm=[0,2,3,1]; y = Reshape(t,s); output y"},
    {"transpose-reshape", false,
     IMAGE "int s 5 1,2,2,8,8; int z 4 1,4,8,8; r = Reshape(x,s); u = Transpose(r) perm=[0,2,1,3,4]; "
           "y = Reshape(u,z); output y"},
    {"negation-affine", true, IMAGE CONV "z = Neg(x); y = Conv(z,w,b); output y"},
    {"negation-affine", false, "input x 5; y = Neg(x); output y"},
    {"depth-to-space", true, IMAGE "y = DepthToSpace(x) blocksize=2; output y"},
    {"depth-to-space", true, IMAGE "y = DepthToSpace(x) blocksize=2 mode=CRD; output y"},
    {"depth-to-space", false, IMAGE "y = SpaceToDepth(x) blocksize=2; output y"},
    {"space-to-depth", true, IMAGE "y = SpaceToDepth(x) blocksize=4; output y"},
    {"space-to-depth", false, IMAGE "y = DepthToSpace(x) blocksize=2; output y"},
    {"arithmetic-affine", true,
     IMAGE "float c 1,4,2,1 1,1,2,2,3,3,4,4; int s 4 1,4,2,32; r = Reshape(x,s); y = Mul(r,c); "
           "output y"},
    {"arithmetic-affine", false,
     IMAGE "float c 1,4,2,1 1,1,2,2,3,3,4,5; int s 4 1,4,2,32; r = Reshape(x,s); "
           "y = Mul(r,c); output y"},
    {"resize-form", true, "opset 18; " IMAGE "float s 2 3,2; y = Resize(x,,s) mode=linear axes=[3,2]; output y"},
    {"resize-form", true,
     IMAGE
     "float s 4 1,1,2,2; y = Resize(x,,s) mode=linear coordinate_transformation_mode=pytorch_half_pixel; output y"},
    {"transpose-order", true,
     IMAGE "float s 4 1,2,3,1; t = Transpose(x) perm=[0,2,3,1]; r = Resize(t,,s) mode=linear; "
           "y = Transpose(r) perm=[0,3,1,2]; output y"},
};

static bool has_rule(const ff_canon *c, const char *rule)
{
    for (int i = 0; i < c->n_equivalences; i++)
        if (strcmp(c->equivalences[i].rule, rule) == 0)
            return true;
    return false;
}

static void rules_fire_and_hold(void **state)
{
    int failures = 0;
    (void)state;
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        ff_model *m = NULL;
        if (text_model(cases[i].text, i + 1, &m)) {
            print_error("%s: %s\n  %s\n", cases[i].rule, ff_error(), cases[i].text);
            failures++;
            continue;
        }
        ff_canon *c = canon_of_model(m);
        int compared = 0;
        double error = c ? canon_error(m, c, i + 100, &compared) : NAN;
        bool fired = c && has_rule(c, cases[i].rule);
        if (!(error < 1e-5) || compared < 1 || fired != cases[i].fires) {
            char *text = c ? canon_text(c) : ff_strdup("");
            print_error("%s %s, error %g over %d %s\n  %s\n%s", cases[i].rule, fired ? "fires" : "does not fire", error,
                        compared, error == error ? "" : ff_error(), cases[i].text, text);
            free(text);
            failures++;
        }
        ff_canon_destroy(c);
        ff_model_unref(m);
    }
    assert_int_equal(failures, 0);
}

/* No rule without a case above in which it fires and one in which it does not (zero-bias is a form, without
 * a record). */
static void every_rule_is_tested(void **state)
{
    const char *meaning = NULL, *rule;
    (void)state;
    for (int i = 0; (rule = ff_canon_rule_at(i, &meaning)); i++) {
        bool fires = strcmp(rule, "zero-bias") == 0, does_not = false;
        for (size_t k = 0; k < FF_COUNT(cases); k++) {
            bool about = strcmp(cases[k].rule, rule) == 0;
            fires = fires || (about && cases[k].fires);
            does_not = does_not || (about && !cases[k].fires);
        }
        if (!fires || !does_not)
            print_error("%s: no case in which it %s\n", rule, fires ? "does not fire" : "fires");
        assert_true(fires && does_not);
        assert_true(meaning && *meaning);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_fire_and_hold),
        cmocka_unit_test(every_rule_is_tested),
    };
    return cmocka_run_group_tests_name("rules of the canonical view", tests, NULL, NULL);
}
