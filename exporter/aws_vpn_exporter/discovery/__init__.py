"""Which targets there are: accounts, from the configuration and the organization, times regions."""
