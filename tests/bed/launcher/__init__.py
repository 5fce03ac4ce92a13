"""The launcher: ministack, with what real AWS does and it does not, behind TLS on one local port."""
