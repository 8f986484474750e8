/* A guest leaves the host as it was: its signals, errno, umask and folder; and no client can end it. */

#include "check.h"

#include <dirent.h>

/* The signals that a thread of this process blocks, by the name of the thread. */
static unsigned long long blocked(const char *task) {
  char path[300], line[256];
  unsigned long long mask = 0;
  FILE *file;
  snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
  file = fopen(path, "r");
  if (file == NULL) return ~0ULL;
  while (fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, "SigBlk:", 7) == 0) mask = strtoull(line + 7, NULL, 16);
  fclose(file);
  return mask;
}

static int has(unsigned long long mask, int signal) { return (int)(mask >> (signal - 1) & 1); }

/* Threads of the agent hear nothing but their own faults. Valgrind keeps the masks that it emulates to itself. */
static void threads_are_deaf(void) {
  DIR *dir = opendir("/proc/self/task");
  struct dirent *entry;
  if (getenv("SLOW") != NULL) {
    closedir(dir);
    return;
  }
  CHECK(dir != NULL);
  while ((entry = readdir(dir)) != NULL) {
    unsigned long long mask;
    int looks = 0;
    if (entry->d_name[0] == '.' || atol(entry->d_name) == (long)getpid()) continue;
    /* The C library blocks all in a thread that is about to begin or to end. */
    do {
      mask = blocked(entry->d_name);
      if (looks > 0) sleep_ms(1);
    } while (mask != ~0ULL && has(mask, SIGSEGV) && looks++ < 5000);
    CHECK(has(mask, SIGINT) && has(mask, SIGTERM) && has(mask, SIGCHLD) && has(mask, SIGPIPE));
    CHECK(mask == ~0ULL || (!has(mask, SIGSEGV) && !has(mask, SIGBUS)));
  }
  closedir(dir);
}

/* A client that is gone before it has its answer. */
static void hang_up(int port) {
  const char *request = "GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n";
  struct linger now;
  int fd = connect_tcp(port);
  CHECK(fd >= 0);
  now.l_onoff = 1;
  now.l_linger = 0;
  CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
  CHECK(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
  close(fd);
}

int main(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult result;
  sigset_t before, after;
  struct sigaction pipe_action;
  char folder[1024], folder_after[1024];
  mode_t mask = umask(027);
  int i, signal;

  (void)mask;
  CHECK(getcwd(folder, sizeof folder) != NULL);
  CHECK_INT(sigaction(SIGPIPE, NULL, &pipe_action), 0);
  CHECK(pipe_action.sa_handler == SIG_DFL);
  sigemptyset(&before);
  sigaddset(&before, SIGUSR2);
  CHECK_INT(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);

  errno = 77;
  result = datadog_agent_start_ptr(&options);
  CHECK_INT(errno, 77);
  CHECK_INT(result.error, DATADOG_OK);
  threads_are_deaf();
  for (i = 0; i < 50; i++) hang_up(result.bound_port);
  CHECK_INT(request(connect_tcp(result.bound_port), "GET", "/info", ""), 200);
  errno = 77;
  CHECK_INT(datadog_agent_wait_for_shutdown_timeout(result.agent, 1), 3);
  CHECK_INT(datadog_agent_flush(result.agent, 1000), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  CHECK_INT(errno, 77);

  CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
  for (signal = 1; signal < 32; signal++) CHECK_INT(sigismember(&after, signal), signal == SIGUSR2);
  CHECK_INT(sigaction(SIGPIPE, NULL, &pipe_action), 0);
  CHECK(pipe_action.sa_handler == SIG_DFL);
  CHECK_INT(umask(0), 027);
  CHECK(getcwd(folder_after, sizeof folder_after) != NULL && strcmp(folder, folder_after) == 0);
  return 0;
}
