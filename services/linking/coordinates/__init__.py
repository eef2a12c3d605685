"""Linking coordinates, a client number and a linking code by mail: good once to link the contact they are of."""
