"""What a trained network does under attack: verdicts, adversarial examples and embeddings of its features."""
