"""The far ends of the test cloud. Everything in front of them is the real service."""
