@NullMarked
package org.minpro.data;

import org.jspecify.annotations.NullMarked;
