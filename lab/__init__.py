"""A lab of real tunnels: IKE, ESP and BGP by real daemons in network namespaces, under the simulated AWS.

It needs nothing from the exporter but the simulated AWS's interface, and the exporter knows nothing of it.
"""
