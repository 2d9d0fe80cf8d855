# Sourced after stubs.sh: devstack's own functions over ours, but for what would change the machine.

for name in iniset trueorfalse enable_service is_service_enabled ipv6_unquote die \
        get_or_create_service get_or_create_endpoint get_endpoint_url create_service_user \
        run_process stop_process configure_keystone_authtoken_middleware setup_logging \
        write_uwsgi_config remove_uwsgi_config openstack; do
    unset -f $name
done

TOP_DIR=$DEVSTACK FILES=$DEVSTACK/files GLOBAL_VENV=False USE_VENV=False WORKER_TIMEOUT=80
SYSTEMD_DIR=$WORK/systemd LOG_COLOR=False TLS_IP= USE_SSL=False ENABLED_SERVICES=,$ENABLED_SERVICES
set +u
source $DEVSTACK/inc/ini-config
source $DEVSTACK/functions-common
source $DEVSTACK/functions 2>/dev/null || true
source $DEVSTACK/lib/apache
source <(sed -n '/^function create_service_user/,/^}/p;/^function configure_keystone/,/^}/p' \
    $DEVSTACK/lib/keystone)
set -u

SYSTEMCTL=_systemctl
function _systemctl { _call systemctl "$@"; }
function sudo {
    case "$1" in
        systemd-tmpfiles|a2ensite|a2dissite) _call "$@" ;;
        tee) if [[ "$*" == *"$WORK"* ]]; then command "$@"; else cat >/dev/null; fi ;;
        mkdir) [[ "$*" == *" /"* && "$*" != *"$WORK"* ]] || command "$@" ;;
        *) command "$@" ;;
    esac
}
function time_start { :; }
function time_stop { :; }
function restart_apache_server { _call restart_apache_server; }
function enable_apache_site { _call enable_apache_site "$@"; }
function disable_apache_site { _call disable_apache_site "$@"; }
function apache_site_config_for { echo $WORK/apache-$1.conf; }
function wait_for_service { _call wait_for_service "$@"; }
function setup_develop { _call setup_develop "$@"; }
function get_python_exec_prefix { echo $BIN_DIR; }
