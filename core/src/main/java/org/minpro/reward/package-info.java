@NullMarked
package org.minpro.reward;

import org.jspecify.annotations.NullMarked;
