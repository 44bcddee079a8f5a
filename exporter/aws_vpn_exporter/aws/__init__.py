"""The only code that imports botocore, the core of boto3: clients, discovery, and one file per source of data."""
