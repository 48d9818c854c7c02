"""Models that another server runs: requests are sent there, and what comes back becomes the events of our own answers.

The endpoints write those events as they write the ones of an engine, so that an answer leaves here exact whatever the
other server sent. Knows no HTTP of ours beyond one header.
"""
