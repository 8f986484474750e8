/* SIGINT and SIGTERM: taken while somebody waits, given back afterwards, and never taken unasked. */

#include "check.h"

static int is_default(int signal) {
  struct sigaction action;
  CHECK_INT(sigaction(signal, NULL, &action), 0);
  return action.sa_handler == SIG_DFL;
}

/* Tells through a pipe when the signals are taken; SIGTERM comes after SIGINT. */
static void *tells(void *argument) {
  int fd = *(int *)argument;
  while (is_default(SIGTERM)) sleep_ms(1);
  CHECK_INT(write(fd, "t", 1), 1);
  return NULL;
}

/* A host that waits, and then for a signal of its own. */
static void host(int fd) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgent *agent = started(&options).agent;
  pthread_t thread;
  char reason;
  CHECK(is_default(SIGINT) && is_default(SIGTERM) && is_default(SIGHUP));
  CHECK_INT(pthread_create(&thread, NULL, tells, &fd), 0);
  reason = (char)('0' + datadog_agent_wait_for_shutdown(agent));
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
  CHECK_INT(write(fd, &reason, 1), 1);
  for (;;) pause();
}

static char told(int fd) {
  char word;
  CHECK_INT(read(fd, &word, 1), 1);
  return word;
}

static void the_first_signal_is_taken_and_the_second_ends_the_host(int signal, char reason) {
  int ends[2], status;
  /* Valgrind has handlers for all signals, so that under it every host has. */
  int end = getenv("SLOW") == NULL ? SIGINT : SIGKILL;
  pid_t pid;
  CHECK_INT(pipe(ends), 0);
  pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    close(ends[0]);
    host(ends[1]);
  }
  close(ends[1]);
  CHECK_INT(told(ends[0]), 't');
  CHECK_INT(kill(pid, signal), 0);
  CHECK_INT(told(ends[0]), reason);
  CHECK_INT(kill(pid, end), 0);
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK(WIFSIGNALED(status));
  CHECK_INT(WTERMSIG(status), end);
  close(ends[0]);
}

/* Asked for from the start: there is no moment at which a signal would be missed. */
static void signals_are_taken_from_the_start_when_asked_for(void) {
  DatadogAgentOptionsV2 options = options_v2();
  DatadogAgent *agent;
  options.install_signal_handlers = 1;
  agent = started_v2(&options).agent;
  CHECK_INT(kill(getpid(), SIGTERM), 0);
  CHECK_INT(datadog_agent_wait_for_shutdown_timeout(agent, 600000), 0);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
}

static void *asks(void *argument) {
  sleep_ms(50);
  CHECK(is_default(SIGINT) && is_default(SIGTERM) && is_default(SIGHUP));
  CHECK_INT(datadog_agent_request_shutdown((DatadogAgent *)argument), DATADOG_OK);
  return NULL;
}

static void signals_are_left_alone_when_asked_for(void) {
  DatadogAgentOptionsV2 options = options_v2();
  DatadogAgent *agent;
  pthread_t thread;
  options.install_signal_handlers = -1;
  agent = started_v2(&options).agent;
  CHECK_INT(pthread_create(&thread, NULL, asks, agent), 0);
  CHECK_INT(datadog_agent_wait_for_shutdown(agent), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
}

int main(void) {
  the_first_signal_is_taken_and_the_second_ends_the_host(SIGTERM, '0');
  the_first_signal_is_taken_and_the_second_ends_the_host(SIGINT, '1');
  signals_are_left_alone_when_asked_for();
  signals_are_taken_from_the_start_when_asked_for();
  return 0;
}
