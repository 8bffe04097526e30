"""What in the source of a Flask and SQLAlchemy application can hold old data.

The source is parsed, never imported and never run. It goes one way: `sources` finds and parses
the files, `modules` and `program` know what stands where, `meaning` says what an expression is
(a session, a query, a row), `calling` who calls whom and what a request reaches, `holding` what
outlives the request. Each of `rules` then looks for one disease, and `report` prints what they say.
"""
