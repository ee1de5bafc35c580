"""Training epoch by epoch, the look after every epoch, and what a checkpoint must hold."""
