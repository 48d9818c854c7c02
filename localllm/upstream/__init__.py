"""Models that other servers run: one request to one of several replicas, and exact payloads whatever they send.

Knows HTTP, event streams and replicas. Knows no chat, no API of ours and no catalog.
"""
