"""ZeroGPU's decorator where there is one: a Space gets its GPU for the time of one call. Elsewhere it does nothing."""

import importlib.util


if importlib.util.find_spec("spaces") is not None:
    from spaces import GPU
else:

    def GPU(function):
        return function
