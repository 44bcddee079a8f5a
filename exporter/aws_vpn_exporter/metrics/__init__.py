"""Every metric, once, as a record in the file of its subject: connection, tunnel, target, exporter."""
