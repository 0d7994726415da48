@NullMarked
package org.minpro.ratio;

import org.jspecify.annotations.NullMarked;
