"""The data-access layer of Freshledger: the only package that speaks to PostgreSQL.

Public modules, in the order in which a script meets them:

    database        a ledger, its read, snapshot and write blocks
    filters         what is asked;  fields: every filter there is;  periods: how dates are written
    keyset          orders, cursors, and their signed text in a link
    transactions    pages of them, all of them, their totals;  details: one of them, and its edits
    labels, contacts, wallets, imports
    snapshots       at which state of the database something was true, and its signed text
    changes         what is new since a snapshot; the history of a row;  history: with names
    submissions     what is sent twice is done once
    ingest          a file into the ledger;  importers: the layouts that can be read
    staging         its rows as COPY reads them;  export: the ledger into a file
    sample          a generated ledger to look at
    migrate         the schema's revisions
    records         the shapes that come out;  moments: when they were true, and what happened since
    imported        the shapes that go in: what importers hand over, and what became of a file
    errors          what is refused, and why
    addresses       networks, and the forms of their addresses
    embedded        a PostgreSQL of one's own
    foreign         one value of somebody else's database, changed for a while and put back
    settings        what the environment can say

Functions take a block's connection first and never commit. Nothing is cached.
"""
