# What the plugin calls of devstack, in place of it: every call is a line in $CALLS, and only those
# things are done that the plugin's own code stands on (ini files, services that are switched on).

function _call { printf '%q ' "$@" >>"$CALLS"; echo >>"$CALLS"; }

for name in echo_summary setup_develop create_service_user get_or_create_service \
        get_or_create_endpoint recreate_database run_process stop_process start_tls_proxy \
        wait_for_service restart_apache_server disable_apache_site; do
    eval "function $name { _call $name \"\$@\"; }"
done

function die { echo "died: ${*:2}" >&2; exit 1; }
function sudo { "$@"; }
function trueorfalse { local value=${!2:-$1}; echo "$value"; }
function enable_service { ENABLED_SERVICES+=",$(IFS=,; echo "$*")"; }

function is_service_enabled {
    local service
    for service in "$@"; do
        [[ ,$ENABLED_SERVICES, == *,$service,* ]] && return 0
    done
    return 1
}

function iniset {
    python3 - "$@" <<'END'
import configparser, sys
path, section, option, value = sys.argv[1:5]
parser = configparser.RawConfigParser(default_section="no such section")
parser.optionxform = str
parser.read(path)
if not parser.has_section(section):
    parser.add_section(section)
parser.set(section, option, value)
with open(path, "w") as file:
    parser.write(file)
END
}

function iniset_rpc_backend { iniset $2 DEFAULT transport_url $TRANSPORT_URL; }
function database_connection_url { echo $DATABASE_URL; }

function configure_keystone_authtoken_middleware {
    local section=${3:-keystone_authtoken}
    iniset $1 $section auth_type password
    iniset $1 $section auth_url $KEYSTONE_SERVICE_URI
    iniset $1 $section username $2
    iniset $1 $section password $SERVICE_PASSWORD
    iniset $1 $section project_name $SERVICE_PROJECT_NAME
    iniset $1 $section user_domain_name Default
    iniset $1 $section project_domain_name Default
    iniset $1 $section www_authenticate_uri $KEYSTONE_SERVICE_URI
}

function setup_logging { iniset $1 DEFAULT log_color True; }
function ipv6_unquote { echo $1 | tr -d '[]'; }
function get_python_exec_prefix { echo $BIN_DIR; }
function get_endpoint_url { _call get_endpoint_url "$@"; echo http://127.0.0.1:60999; }
function openstack { _call openstack "$@"; }

function write_uwsgi_config {
    _call write_uwsgi_config "$@"
    iniset $1 uwsgi module $2
    iniset $1 uwsgi http $4
}

function remove_uwsgi_config { _call remove_uwsgi_config "$@"; rm -f $1; }
