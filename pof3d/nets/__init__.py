"""The networks: generator (mapping, backbone, field decoder, super-resolution) and discriminator."""
