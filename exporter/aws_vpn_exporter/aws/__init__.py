"""The only code that imports boto3: clients, discovery, and one file per source of data."""
