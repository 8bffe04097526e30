"""Somebody else's database: one value of it is changed on purpose, watched, and put back.

marking    what is to be changed: opened, written, put back whatever happens
spots      where it is: a column of one row, or a statement's
markers    made-up values that the column takes
targets    which databases can be reached, and what they refuse, in plain words
"""
