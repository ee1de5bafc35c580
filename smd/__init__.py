"""Self-adaptive Margin Defense: adversarial training without a noise level to tune."""

__version__ = "0.1.0"
