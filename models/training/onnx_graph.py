"""Writes a trained Net as ONNX, node by node: the graph stays small, its LSTM is one node, and no tracer is needed."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model import FEATURES, WINDOWS, Net

OPSET = 17  # every operator here is older; onnxruntime-node takes it


def _gates(weights: np.ndarray) -> np.ndarray:
    """PyTorch stacks an LSTM's gates as input, forget, cell, output; ONNX as input, output, forget, cell."""
    i, f, c, o = np.split(weights, 4)
    return np.concatenate([i, o, f, c])


def _reading(net: Net, state: dict[str, np.ndarray]) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """From the scaled windows to what was read of them, [N, read]: the nodes and their constants."""
    shape = net.shape
    nodes = [helper.make_node("Transpose", ["tensor_scaled"], ["by_feature"], perm=[0, 2, 1])]
    constants: dict[str, np.ndarray] = {}
    found = "by_feature"
    if net.conv is not None:
        constants |= {"conv_weight": state["conv.weight"], "conv_bias": state["conv.bias"]}
        nodes += [
            helper.make_node("Conv", [found, "conv_weight", "conv_bias"], ["conv"], kernel_shape=[shape.kernel], strides=[shape.stride], pads=[shape.padding, shape.padding]),
            helper.make_node("Relu", ["conv"], ["found"]),
        ]
        found = "found"
    if net.lstm is None:
        constants["time_axis"] = np.array([2], dtype=np.int64)
        return [*nodes, helper.make_node("GlobalMaxPool", [found], ["strongest"]), helper.make_node("Squeeze", ["strongest", "time_axis"], ["read"])], constants
    constants |= {
        "lstm_input": _gates(state["lstm.weight_ih_l0"])[None],
        "lstm_recurrent": _gates(state["lstm.weight_hh_l0"])[None],
        "lstm_bias": np.concatenate([_gates(state["lstm.bias_ih_l0"]), _gates(state["lstm.bias_hh_l0"])])[None],
        "first_axis": np.array([0], dtype=np.int64),
    }
    return [
        *nodes,
        helper.make_node("Transpose", [found], ["by_time"], perm=[2, 0, 1]),
        helper.make_node("LSTM", ["by_time", "lstm_input", "lstm_recurrent", "lstm_bias"], ["", "last_by_direction"], hidden_size=shape.hidden),
        helper.make_node("Squeeze", ["last_by_direction", "first_axis"], ["read"]),
    ], constants


def build(net: Net, version: str) -> onnx.ModelProto:
    shape = net.shape
    state = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in net.state_dict().items()}
    constants = {
        "tensor_mean": state["tensor_scaling.mean"],
        "tensor_scale": state["tensor_scaling.inverse_deviation"],
        "context_mean": state["context_scaling.mean"],
        "context_scale": state["context_scaling.inverse_deviation"],
        "one": np.float32(1),
        "low": np.float32(-net.tensor_scaling.limit),
        "high": np.float32(net.tensor_scaling.limit),
        "join_weight": state["join.weight"],
        "join_bias": state["join.bias"],
        # The calibration is folded into the last layer: z / T + prior is a layer that is smaller by T, with another bias.
        "out_weight": state["out.weight"] / state["temperature"],
        "out_bias": state["out.bias"] / state["temperature"] + state["prior"],
    }
    reading, read_constants = _reading(net, state)
    constants |= read_constants

    def scaled(name: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("Relu", [name], [f"{name}_positive"]),
            helper.make_node("Add", [f"{name}_positive", "one"], [f"{name}_plus_one"]),
            helper.make_node("Log", [f"{name}_plus_one"], [f"{name}_log"]),
            helper.make_node("Sub", [f"{name}_log", f"{name}_mean"], [f"{name}_centred"]),
            helper.make_node("Mul", [f"{name}_centred", f"{name}_scale"], [f"{name}_wide"]),
            helper.make_node("Clip", [f"{name}_wide", "low", "high"], [f"{name}_scaled"]),
        ]

    nodes = [
        *scaled("tensor"),
        *scaled("context"),
        *reading,
        helper.make_node("Concat", ["read", "context_scaled"], ["joined"], axis=1),
        helper.make_node("Gemm", ["joined", "join_weight", "join_bias"], ["dense"], transB=1),
        helper.make_node("Relu", ["dense"], ["dense_relu"]),
        helper.make_node("Gemm", ["dense_relu", "out_weight", "out_bias"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "autoshield",
        [helper.make_tensor_value_info("tensor", TensorProto.FLOAT, ["N", WINDOWS, FEATURES]),
         helper.make_tensor_value_info("context", TensorProto.FLOAT, ["N", shape.context])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", shape.classes])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="autoshield-mesh", producer_version=version)
    built.ir_version = 10
    onnx.checker.check_model(built, full_check=True)
    return built
