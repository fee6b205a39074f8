"""What passwords need of passlib; whoever needs it loads it then, as that takes a while."""

import warnings

with warnings.catch_warnings():
    # passlib looks for Python's crypt module, which is deprecated; it has its own code without.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.hash import sha256_crypt, sha512_crypt
    from passlib.utils import saslprep

for each in (sha256_crypt, sha512_crypt):
    each.set_backend("builtin")  # the other one, crypt(3), is not for threads

__all__ = ["saslprep", "sha256_crypt", "sha512_crypt"]
