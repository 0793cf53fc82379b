"""The embedding model: its files, their install, and text to vectors.

Importing this package loads none of the libraries that convert or run the model: a server can
answer its handshake first and load the model afterwards.
"""
