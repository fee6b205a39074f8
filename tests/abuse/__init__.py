"""Abuse that has hit real mail servers, and where it is shown that this one bears it.

No case is shown twice. Those that need the server itself, in a process of its own, are in this
folder: what they may cost is memory, read from /proc, and answers to others, never time.

    what is done                                    where it is shown
    ----------------------------------------------  --------------------------------------------
 1  commands pipelined behind STARTTLS              server/test_tls_service
 2  state kept from before TLS                      server/test_tls_service
 3  huge or many literals before login              test_memory, imap/test_literals
 4  a literal that never comes; single octets       test_memory, dialogues/test_connection,
                                                    server/test_login
 5  thousands of parentheses                        imap/test_garbage, imap/test_search_keys
 6  deep NOT and OR, 10,000 search keys             test_commands, imap/test_garbage,
                                                    imap/test_search_keys
 7  an endless line; NUL; bare CR or LF             test_memory, imap/test_fragments,
                                                    imap/test_refusals, fuzz
 8  bad base64 in AUTHENTICATE; giving up           imap/test_exchanges, server/test_login
 9  8 bits, nothing, / % .. in user names           test_floods, server/test_login,
                                                    server/test_users
10  timing that tells whether a user exists         server/test_users: a name that nobody has
                                                    costs what others cost
11  brute force; floods; many expensive hashes      test_floods, server/test_login,
                                                    server/test_admission, server/test_throttle,
                                                    server/test_users
12  mailbox names that lead elsewhere               test_mailbox_names, maildir/test_layouts
13  long names, 1,000 levels, cases of INBOX        test_mailbox_names, mailbox/test_names
14  a symlink or FIFO as message, a symlinked cur/, mailbox/test_strange_files,
    hard links                                      maildir/test_listing, test_memory
15  unreadable files, a directory in cur/           mailbox/test_strange_files
16  MIME nested 10,000 deep                         mime/test_hostile
17  a million addresses                             test_memory, mime/test_hostile
18  a 100 MB header; a million fields               test_memory
19  thousands of RFC 2231 continuations             test_memory, mime/test_hostile
20  comments that end in a backslash, groups,       mime/test_hostile, mime/test_addresses,
    cut UTF-8                                       mime/test_encoded_words, fuzz
21  a deflate bomb; partial flushes                 there is no COMPRESS yet
22  FETCH of everything, never read; of one message test_memory, server/test_stream,
    thousands of times over                         dialogues/test_connection
23  1:4294967295, long known-uids, MODSEQ 0 and     test_commands, rfc7162/test_match_data,
    2^63, lying match data                          rfc7162/test_resynchronising,
                                                    imap/test_search_keys
24  one user's state used for another               test_floods, imap/test_connection
25  kill -9 and full disks at every step; an index  durability
    that is gone, cut or old
"""
