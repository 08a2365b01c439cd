#!/usr/bin/env bash
# Makes the secrets of a deployment in a folder (default: secrets), each only where it is missing: keys and passwords one a
# file, and from them .env beside docker-compose.yml and access.env, kafka.env and connections.env for Kubernetes. Roles know
# the hashes of the operator's and the publisher's key only.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$root/secrets}
env_file=${2:-$root/.env}
command -v openssl >/dev/null || { echo "'openssl' is missing: apt-get install openssl" >&2; exit 1; }

umask 077
mkdir -p "$folder"
# Containers run as a user of their own, which must read what is mounted into them: the folder is private, the files are not.
chmod 700 "$folder"
for name in signing-key store-master-key service-key operator-key publisher-key edge-a-key edge-b-key \
  kafka-password clickhouse-password clickhouse-reader-password postgres-password grafana-password; do
  [ -s "$folder/$name" ] || openssl rand -hex 32 > "$folder/$name"
  chmod 644 "$folder/$name"
done
secret() { tr -d '\n' < "$folder/$1"; }
sha256() { secret "$1" | sha256sum | cut -d' ' -f1; }

cat > "$env_file" <<END
POSTGRES_PASSWORD=$(secret postgres-password)
CLICKHOUSE_PASSWORD=$(secret clickhouse-password)
GRAFANA_PASSWORD=$(secret grafana-password)
OPERATOR_KEY_SHA256=$(sha256 operator-key)
PUBLISHER_KEY_SHA256=$(sha256 publisher-key)
END
{
  echo "EVENTSTREAM__ACCESS__SERVICEKEY=$(secret service-key)"
  number=0
  for entry in operator:operator:operator-key studio:publisher:publisher-key edge-a:edge:edge-a-key edge-b:edge:edge-b-key; do
    IFS=: read -r name role file <<< "$entry"
    echo "EVENTSTREAM__ACCESS__KEYS__${number}__NAME=$name"
    echo "EVENTSTREAM__ACCESS__KEYS__${number}__ROLE=$role"
    echo "EVENTSTREAM__ACCESS__KEYS__${number}__SHA256=$(sha256 "$file")"
    number=$((number + 1))
  done
} > "$folder/access.env"
cat > "$folder/kafka.env" <<END
EVENTSTREAM__KAFKA__SASLUSERNAME=eventstream
EVENTSTREAM__KAFKA__SASLPASSWORD=$(secret kafka-password)
END
cat > "$folder/connections.env" <<END
EVENTSTREAM__POSTGRES__CONNECTIONSTRING=Host=postgres;Port=5432;Username=eventstream;Password=$(secret postgres-password);Database=eventstream
EVENTSTREAM__CLICKHOUSE__PASSWORD=$(secret clickhouse-password)
EVENTSTREAM__CLICKHOUSE__READERPASSWORD=$(secret clickhouse-reader-password)
END
# Media in S3: the secret of its key is not made here but put here.
[ ! -s "$folder/s3-secret-key" ] || echo "EVENTSTREAM__MEDIA__S3__SECRETKEY=$(secret s3-secret-key)" > "$folder/media.env"
echo "  secrets in $folder and $env_file; the operator's key is in $folder/operator-key. Keep a copy of store-master-key."
