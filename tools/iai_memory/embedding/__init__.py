"""The embedding model: where its files are, how they get there, and text to vectors.

Importing this package loads none of the libraries that convert or run the model: a server can
answer its handshake first and load the model afterwards.
"""
