/* A wall clock that is MANDAT_TEST_SECONDS_AHEAD seconds ahead, for every program that starts with this preloaded:
   Python, PostgreSQL and Kafka see the same. The monotonic clock, sleeps and the times of files stay as they are.
   tests/another_day.py builds and uses it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static time_t ahead;

__attribute__((constructor)) static void learn(void) {
  const char *seconds = getenv("MANDAT_TEST_SECONDS_AHEAD");
  ahead = seconds ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static __typeof__(&clock_gettime) real;
  if (!real) real = REAL(clock_gettime);
  int failed = real(clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec found;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &found);
  now->tv_sec = found.tv_sec;
  now->tv_usec = found.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec found;
  clock_gettime(CLOCK_REALTIME, &found);
  if (now) *now = found.tv_sec;
  return found.tv_sec;
}

/* A deadline as the kernel knows it. One of the monotonic clock is left alone: no machine has run for thirty years. */
static struct timespec kernels(const struct timespec *deadline) {
  struct timespec found = *deadline;
  if (found.tv_sec > 1000000000) found.tv_sec -= ahead;
  return found;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
  static __typeof__(&pthread_cond_timedwait) real;
  if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2"); /* x86 has an older one beside it */
  if (!real) real = REAL(pthread_cond_timedwait);
  struct timespec at = kernels(deadline);
  return real(condition, mutex, &at);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
  static __typeof__(&sem_timedwait) real;
  if (!real) real = REAL(sem_timedwait);
  struct timespec at = kernels(deadline);
  return real(semaphore, &at);
}
