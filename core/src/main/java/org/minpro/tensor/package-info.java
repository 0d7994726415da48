@NullMarked
package org.minpro.tensor;

import org.jspecify.annotations.NullMarked;
