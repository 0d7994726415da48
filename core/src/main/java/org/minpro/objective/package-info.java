@NullMarked
package org.minpro.objective;

import org.jspecify.annotations.NullMarked;
