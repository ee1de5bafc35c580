"""Trained networks as files for others: safetensors, torch.export and ONNX, and the Hub."""
