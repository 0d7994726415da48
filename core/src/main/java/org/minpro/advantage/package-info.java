@NullMarked
package org.minpro.advantage;

import org.jspecify.annotations.NullMarked;
