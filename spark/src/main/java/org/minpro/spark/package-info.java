/**
 * Runs and studies on a cluster of Apache Spark. Spark schedules tasks, and every task starts a process of MinPRO, with the
 * class path and the environment that the process has anywhere else; this package knows no more of MinPRO than command lines.
 */
@NullMarked
package org.minpro.spark;

import org.jspecify.annotations.NullMarked;
