"""SQL → Python: expressions over one row, compiled to the same answer that the engine gives.

    expressions  one SQL expression → one Python expression, NULL and all
    nesting      what of a loop happens under the same conditions
    arithmetic   what compiled SQL calls

The rules of `features.reading` and the features of `features.engines` are compiled with it.
"""
