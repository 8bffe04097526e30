"""`freshledger probe`: is what a running application shows as new as its database?

    seeing, caching, judging, suspects   pure: text, headers and samples in; findings out
    asking, rounds                       HTTP, threads and time
    report, command                      what is said

A marker is written by SQL; an answer that was requested after its COMMIT was acknowledged and does
not show it is stale, by the time between the two. Which application it is does not matter.
"""
