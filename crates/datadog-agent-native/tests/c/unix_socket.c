/* The Unix socket for traces: its path, its mode, its end, and what it gives way to. */

#include "check.h"

static int mode_of(const char *path) {
  struct stat found;
  CHECK_INT(lstat(path, &found), 0);
  CHECK(S_ISSOCK(found.st_mode));
  return (int)(found.st_mode & 07777);
}

static void a_path_is_chosen(int permissions, int mode) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult result;
  char begin[64];
  size_t length;
  long from = now_ms();
  options.operational_mode = 2;
  options.trace_agent_uds_permissions = permissions;
  result = started(&options);
  /* Nothing is waited for that never comes, which would take seconds. */
  if (getenv("SLOW") == NULL) CHECK(now_ms() - from < 3000);
  CHECK_INT(result.bound_port, -1);
  CHECK(result.uds_path != NULL);
  length = (size_t)snprintf(begin, sizeof begin, "/tmp/dd-trace-%ld-", (long)getpid());
  CHECK(strncmp(result.uds_path, begin, length) == 0);
  CHECK_INT(strspn(result.uds_path + length, "0123456789abcdef"), 6);
  CHECK(strcmp(result.uds_path + length + 6, ".sock") == 0);
  CHECK_INT(mode_of(result.uds_path), mode);
  CHECK_INT(request(connect_unix(result.uds_path), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  CHECK_INT(access(result.uds_path, F_OK), -1);
  datadog_free_string(result.uds_path);
}

static int bind_unix(const char *path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path, strlen(path) + 1);
  CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
  return fd;
}

static DatadogAgentStartResult start_at(const char *path) {
  DatadogAgentOptionsV2 options = options_v2();
  options.operational_mode = 0;
  options.uds_path = path;
  return datadog_agent_start_v2(&options);
}

static void the_dead_give_way_and_nothing_else(const char *folder) {
  DatadogAgentStartResult result;
  char path[96], text[16];
  FILE *file;
  int live;
  snprintf(path, sizeof path, "%s/s", folder);

  /* The socket of a dead process. */
  close(bind_unix(path));
  result = start_at(path);
  CHECK_INT(result.error, DATADOG_OK);
  CHECK(strcmp(result.uds_path, path) == 0);
  /* Ours, which lives. */
  check_failed(start_at(path), DATADOG_STARTUP_ERROR);
  CHECK(last_error_has("in use"));
  CHECK_INT(request(connect_unix(path), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  datadog_free_string(result.uds_path);
  CHECK_INT(access(path, F_OK), -1);

  /* That of somebody else who lives. */
  live = bind_unix(path);
  check_failed(start_at(path), DATADOG_STARTUP_ERROR);
  CHECK(last_error_has("in use"));
  CHECK(mode_of(path) >= 0);
  close(live);
  CHECK_INT(unlink(path), 0);

  CHECK_INT(symlink("/nowhere", path), 0);
  check_failed(start_at(path), DATADOG_STARTUP_ERROR);
  CHECK(last_error_has("symlink"));
  CHECK_INT(unlink(path), 0);

  file = fopen(path, "w");
  CHECK(file != NULL && fputs("precious", file) >= 0 && fclose(file) == 0);
  check_failed(start_at(path), DATADOG_STARTUP_ERROR);
  CHECK(last_error_has("not a socket"));
  file = fopen(path, "r");
  CHECK(file != NULL && fgets(text, sizeof text, file) != NULL && fclose(file) == 0);
  CHECK(strcmp(text, "precious") == 0);
  CHECK_INT(unlink(path), 0);
}

static void a_path_has_at_most_100_bytes(const char *folder) {
  DatadogAgentStartResult result;
  char path[128];
  size_t length = (size_t)snprintf(path, sizeof path, "%s/", folder);
  CHECK(length < 90);
  memset(path + length, 'd', 100 - length);
  path[100] = 0;
  result = start_at(path);
  CHECK_INT(result.error, DATADOG_OK);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  datadog_free_string(result.uds_path);
  path[100] = 'd';
  path[101] = 0;
  check_failed(start_at(path), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("too long: 101 bytes"));
}

int main(void) {
  char folder[] = "/tmp/dd-c-XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  a_path_is_chosen(-1, 0600);
  /* A struct that was only zeroed. */
  a_path_is_chosen(0, 0600);
  a_path_is_chosen(0660, 0660);
  the_dead_give_way_and_nothing_else(folder);
  a_path_has_at_most_100_bytes(folder);
  CHECK_INT(rmdir(folder), 0);
  return 0;
}
