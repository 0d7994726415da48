/** Reads the folders of runs, and shows them in a browser: read-only, on this machine unless told otherwise. */
@NullMarked
package org.minpro.dashboard;

import org.jspecify.annotations.NullMarked;
