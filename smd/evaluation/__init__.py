"""A trained network under attack: verdicts, adversarial examples, embeddings of its features."""
