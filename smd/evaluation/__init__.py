"""What a trained network does under attack.

Verdicts, adversarial examples and embeddings of its features.
"""
