"""The data-access layer of Freshledger: the only package that speaks to PostgreSQL.

Public modules, in the order in which a script meets them:
`database` (a ledger, its read and write blocks), `filters`, `keyset`, `transactions`, `labels`,
`contacts`, `wallets`, `imports`, `records`, `errors`, `addresses`, `embedded`, `settings`.
"""
