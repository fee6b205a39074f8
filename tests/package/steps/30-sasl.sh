# The socket for Postfix is there, for the group of its directory, and speaks the protocol.
socket=/var/spool/postfix/maildird/auth
test "$(stat -c %U:%G:%a "$socket")" = maildird:postfix:660
python3 - "$socket" <<END
import socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.settimeout(10)
    asking.connect(sys.argv[1])
    greeting = asking.recv(4096)
    assert greeting.startswith(b"VERSION\t1\t"), greeting
END
