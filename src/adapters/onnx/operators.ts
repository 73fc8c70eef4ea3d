/**
 * What a graph may compute with: ONNX's own operators (domain '') whose work is known from their inputs. There is no control flow, nothing
 * that makes a size out of a value, no randomness, no text, no custom operator.
 */
export const OPERATORS: ReadonlySet<string> = new Set([
  // By element.
  'Abs', 'Add', 'Cast', 'Clip', 'Div', 'Dropout', 'Elu', 'Erf', 'Exp', 'HardSigmoid', 'Identity', 'LeakyRelu', 'Log', 'Max', 'Min', 'Mul', 'Neg', 'Pow',
  'Relu', 'Selu', 'Sigmoid', 'Softplus', 'Sqrt', 'Sub', 'Tanh',
  // Layers.
  'AveragePool', 'BatchNormalization', 'Conv', 'GRU', 'Gemm', 'GlobalAveragePool', 'GlobalMaxPool', 'LSTM', 'LayerNormalization', 'LogSoftmax', 'MatMul', 'MaxPool',
  'RNN', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceSum', 'Softmax',
  // Shapes.
  'Concat', 'Constant', 'Flatten', 'Reshape', 'Slice', 'Split', 'Squeeze', 'Transpose', 'Unsqueeze',
  // 8-bit weights.
  'ConvInteger', 'DequantizeLinear', 'DynamicQuantizeLinear', 'MatMulInteger', 'QLinearConv', 'QLinearMatMul', 'QuantizeLinear',
])
