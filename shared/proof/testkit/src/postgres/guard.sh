# Ends a shared server that nobody has used for half a minute. Beside it from its start; see shared.rs.
runs() { [ "$(head -n 1 "$DIRECTORY/data/postmaster.pid" 2>/dev/null)" = "$SERVER" ]; }

idle=0
while runs && [ "$idle" -lt 7 ]; do
  sleep 5
  free=$($PSQL -c "SELECT pg_try_advisory_lock($PRESENCE)" 2>/dev/null)
  if [ "$free" = t ]; then idle=$((idle + 1)); else idle=0; fi
  if [ "$idle" = 6 ]; then
    # The lock is held until the server itself ends this session: whoever waits for it is sent away with it.
    $PSQL 2>/dev/null <<SQL
SELECT pg_try_advisory_lock($PRESENCE) AS free \gset
\if :free
\! kill -INT $SERVER; sleep 3
\endif
SQL
    if runs; then idle=0; else idle=7; fi
  fi
done
rm -rf "$DIRECTORY"
