"""The program as a service: what runs on which thread, who may write, how it starts and how it ends.

Decides nothing about records: that is the flows' work, which the commands do as well.
"""
