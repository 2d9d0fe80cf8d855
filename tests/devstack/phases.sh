#!/usr/bin/env bash
# Runs phases of the plugin as stack.sh, unstack.sh and clean.sh do: phases.sh "stack install" unstack
#
# Everything is written below $WORK. With $DEVSTACK, a checkout of devstack, its own functions are
# used, and only what would change the machine (packages, systemd, apache) is in place of it.
# From the caller: WORK BIN_DIR DATABASE_URL TRANSPORT_URL KEYSTONE_SERVICE_URI SERVICE_PASSWORD
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CALLS=$WORK/calls
export DEST=$WORK/opt DATA_DIR=$WORK/data
GLINT_DIR=$(cd "$here/../.." && pwd)
GLINT_CONF_DIR=$WORK/etc/glint
STACK_USER=$(id -un) SERVICE_PROJECT_NAME=service
SERVICE_DOMAIN_NAME=Default REGION_NAME=RegionOne SERVICE_PROTOCOL=http SERVICE_HOST=127.0.0.1
HOST_IP=127.0.0.1
SERVICE_LISTEN_ADDRESS=127.0.0.1 SERVICE_TIMEOUT=60 SYSLOG=False ENABLE_DEBUG_LOG_LEVEL=True
SSL_BUNDLE_FILE=$WORK/ca-bundle.pem MEMCACHE_SERVERS=127.0.0.1:11211 API_WORKERS=2
ENABLED_SERVICES=key,mysql,horizon${EXTRA_SERVICES:+,$EXTRA_SERVICES}

source "$here/stubs.sh"
if [[ -n "${DEVSTACK:-}" ]]; then
    source "$here/real.sh"
fi
mkdir -p $DEST/horizon/openstack_dashboard/local/enabled $DATA_DIR

# devstack itself runs with neither of these.
set +eu
source $GLINT_DIR/devstack/settings
if [[ -n "${GLINT_NOT_ENABLED:-}" ]]; then
    ENABLED_SERVICES=key,mysql
fi
for phase in "$@"; do
    set -- $phase
    source $GLINT_DIR/devstack/plugin.sh
done
