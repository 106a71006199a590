"""Functions of the model that are called with quantized weights."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from dequantize import at_default, parts_of
from weight import BAD, model, raw, save, Weight

LOCAL = "local"
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1),
          helper.make_opsetid(LOCAL, 1)]
INPUTS = ["a", "b", "scales", "zero_points", "bias"]


def refer(node, **names):
    """Attributes of a function's node that the call gives."""
    for name, of_call in names.items():
        node.attribute.append(AttributeProto(
            name=name, ref_attr_name=of_call, type=AttributeProto.INT))
    return node


def linear(bits=4):
    """MatMulNBits of the function's inputs, and a float constant of its own.
    K and N are the call's; accuracy_level is of nobody."""
    gain = raw("gain_value", TensorProto.FLOAT, [1], np.array([2]))
    node = helper.make_node(
        "MatMulNBits", [*INPUTS[:4], "", "bias"], ["p"], name="mm",
        domain="com.microsoft", bits=bits, block_size=32)
    nodes = [refer(node, K="k", N="n", accuracy_level="level"),
             helper.make_node("Constant", [], ["gain"], value=gain),
             helper.make_node("Mul", ["p", "gain"], ["q"])]
    return helper.make_function(
        LOCAL, "Layer", INPUTS, ["q"], nodes, OPSETS, ["k", "n", "level"])


def call(op_type, inputs, output, name, **attributes):
    return helper.make_node(op_type, inputs, [output], name=name,
                            domain=LOCAL, **attributes)


def with_functions(nodes, parts, functions):
    proto = model(nodes, parts)
    del proto.opset_import[:]
    proto.opset_import.extend(OPSETS)
    proto.functions.extend(functions)
    return proto


def of(weight, prefix):
    """The inputs of Layer after a, and the initializers."""
    parts = weight.initializers(prefix)
    names = [part.name if part else "" for part in parts]
    del names[3]  # g_idx
    while not names[-1]:
        names.pop()
    return names, [part for part in parts if part]


def make_good():
    first = Weight(64, 32, seed=500)
    first.zeros = np.full((32, 2), 3, np.uint8)
    first.bias = np.linspace(-1, 1, 32).astype(np.float32)
    second = Weight(32, 64, seed=501)
    names, parts = of(first, "first.")
    others, more = of(second, "second.")
    nodes = [
        call("Layer", ["x", *names], "h", "one", k=64, n=32),
        call("Layer", ["h", *others], "g", "two", k=32, n=64),
        call("Layer", ["g", *names], "y", "three", k=64, n=32, level=4)]
    save("function_calls", with_functions(nodes, parts + more, [linear()]),
         first.q4_1())

    # Within another function, which gives its inputs on; before the inner one
    # in the file and behind it.
    outer = helper.make_function(
        LOCAL, "Block", ["u", "w", "s"], ["v"],
        [refer(call("Layer", ["u", "w", "s"], "v", "inner", n=64), k="width")],
        OPSETS, [], [helper.make_attribute("width", 32)])
    nodes = [call("Block", ["x", *others], "y", "outer")]
    for name, functions in (("function_nested", [outer, linear()]),
                            ("function_nested_last", [linear(), outer])):
        save(name, with_functions(nodes, more, functions), second.q4_0())

    # DequantizeLinear outside, MatMul inside; and both inside.
    weight = at_default(Weight(64, 3, 64, 8, seed=502), 128)
    codes, scales = parts_of(weight, 1, False, False,
                             weight.scales.reshape(-1))
    inside = helper.make_function(
        LOCAL, "Dense", ["a", "w", "s"], ["q"],
        [helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=1),
         helper.make_node("MatMul", ["a", "d"], ["q"], name="mm")], OPSETS)
    save("function_dequantized",
         with_functions([call("Dense", ["x", codes.name, scales.name], "y",
                              "dense")], [codes, scales], [inside]),
         weight.q8_0())


def make_bad():
    """A function that calls itself."""
    weight = Weight(64, 64, seed=503)
    names, parts = of(weight, "")
    again = helper.make_function(
        LOCAL, "Layer", ["a", "b", "scales"], ["q"],
        [call("Layer", ["a", "b", "scales"], "p", "again"),
         call("Layer", ["p", "b", "scales"], "q", "more")], OPSETS)
    save("function_of_itself",
         with_functions([call("Layer", ["x", *names], "y", "one")], parts,
                        [again]), folder=BAD)
    twice = helper.make_function(
        LOCAL, "Layer", ["a", "b", "b"], ["q"],
        [helper.make_node("Identity", ["a"], ["q"])], OPSETS)
    save("function_inputs",
         with_functions([call("Layer", ["x", *names], "y", "one")], parts,
                        [twice]), folder=BAD)


def make():
    make_good()
    make_bad()
