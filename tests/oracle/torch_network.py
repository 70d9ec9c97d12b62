"""The network in PyTorch, as DESIGN states it: the independent side of every comparison with PyTorch."""

import torch
from torch import nn
from torch.nn import functional

# in, out, kernel, padding, size of the convolution's output, 2 x 2 max-pool behind it
STAGES = [
    (1, 10, 3, 1, 28, False),
    (10, 16, 3, 1, 28, True),
    (16, 8, 1, 0, 14, False),
    (8, 16, 3, 1, 14, False),
    (16, 16, 3, 1, 14, False),
    (16, 16, 3, 1, 14, True),
    (16, 8, 1, 0, 7, False),
    (8, 10, 3, 0, 5, False),
    (10, 16, 3, 0, 3, False),
    (16, 10, 1, 0, 3, False),
]

class RMSNorm(nn.Module):
    """torch.nn.RMSNorm, which PyTorch has from 2.4 on, by the formula of its documentation."""

    def __init__(self, shape, eps=1e-5):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(shape)), eps

    def forward(self, x):
        return x / torch.sqrt(self.eps + x.square().mean(dim=(1, 2, 3), keepdim=True)) * self.weight


NORMS = {
    "gn": lambda channels, size: nn.GroupNorm(2, channels),
    "ln": lambda channels, size: nn.LayerNorm([channels, size, size]),
    "rms": lambda channels, size: RMSNorm([channels, size, size]),
    "bn": lambda channels, size: nn.BatchNorm2d(channels),
}


class StandardizedConv2d(nn.Conv2d):
    """Weight standardization (Qiao et al., 2019), as a batch norm of the weights: each output channel is a channel."""

    def forward(self, x):
        channels = self.weight.reshape(1, self.out_channels, -1)
        used = functional.batch_norm(channels, None, None, training=True, momentum=0.0, eps=1e-5)
        return functional.conv2d(x, used.reshape_as(self.weight), self.bias, padding=self.padding)


class Network(nn.Module):
    """conv1 norm1 conv2 norm2 ... norm9 conv10, registered in the order of the state dict."""

    def __init__(self, norm, dropout=0.0, weight_standardization=False):
        super().__init__()
        self.dropout = dropout
        convolution = StandardizedConv2d if weight_standardization else nn.Conv2d
        for k, (inputs, outputs, kernel, padding, size, _) in enumerate(STAGES, 1):
            self.add_module(f"conv{k}", convolution(inputs, outputs, kernel, padding=padding))
            if k < len(STAGES):
                self.add_module(f"norm{k}", NORMS[norm](outputs, size))

    def forward(self, x):
        """Images [N, 1, 28, 28], normalized, to logits [N, 10]; log-softmax is the loss's business."""
        for k, (*_, pool) in enumerate(STAGES, 1):
            x = getattr(self, f"conv{k}")(x)
            if k < len(STAGES):
                x = getattr(self, f"norm{k}")(torch.relu(x))
                x = functional.dropout2d(x, self.dropout, self.training) if self.dropout else x
            if pool:
                x = functional.max_pool2d(x, 2)
        return x.mean(dim=(2, 3))


def normalized(images, dtype):
    """uint8 images [N, 28, 28] to the network's input [N, 1, 28, 28]."""
    x = torch.as_tensor(images).to(torch.float64)
    return ((x / 255 - 0.1307) / 0.3081).unsqueeze(1).to(dtype)
